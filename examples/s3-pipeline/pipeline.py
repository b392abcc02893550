"""One member's share of the pipeline: every text under in/ becomes its word count under out/.

No key is anywhere: boto3 finds the credentials of the machine's role by itself.
"""

import json
import os

import boto3
from botocore.exceptions import ClientError


def counted(text: str) -> dict[str, int]:
    """Count the words of a text."""
    words = text.split()
    return {word: words.count(word) for word in sorted(set(words))}


def main() -> None:
    """Work on this rank's share, then show what the role may not do."""
    s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
    rank, size = int(os.environ["SPAWN_RANK"]), int(os.environ["SPAWN_SIZE"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="in/")
    keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
    for key in keys[rank::size]:
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        result = key.replace("in/", "out/").replace(".txt", ".json")
        s3.put_object(Bucket=bucket, Key=result, Body=json.dumps(counted(text)).encode())
        print(f"{key} -> {result}")
    try:
        s3.put_object(Bucket=bucket, Key=keys[0], Body=b"")
    except ClientError as error:
        print(f"{keys[0]} stays as it is: {error.response['Error']['Code']}")


if __name__ == "__main__":
    main()
