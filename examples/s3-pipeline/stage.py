"""Makes the bucket that the command line names, and puts the input into it: eight small texts."""

import sys

import boto3

TEXTS = (
    "one spot machine is one spot machine",
    "a lease ends and a machine goes away",
    "every rank knows its peers",
    "one array is one name and many machines",
    "a machine that goes away is one machine less",
    "peers wait for peers at the barrier",
    "what is not granted is denied",
    "what is granted is granted to the role",
)


def main() -> None:
    """Stage the input under in/."""
    s3, bucket = boto3.client("s3"), sys.argv[1]
    s3.create_bucket(Bucket=bucket)
    for number, text in enumerate(TEXTS):
        s3.put_object(Bucket=bucket, Key=f"in/{number}.txt", Body=text.encode())
    print(f"{len(TEXTS)} texts are under s3://{bucket}/in/")


if __name__ == "__main__":
    main()
