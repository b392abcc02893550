"""S3's calls, whose permissions are often named otherwise than they are.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote

from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, Values, question, texts_of
from sandbox.request import Call
from sandbox.routing import route

_RENAMED = {
    "HeadObject": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListBuckets": "ListAllMyBuckets",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "ListParts": "ListMultipartUploadParts",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "SelectObjectContent": "GetObject",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
}
_OF_A_VERSION = frozenset({"GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging"})
_LISTS = frozenset({"ListBucket", "ListBucketVersions"})
_ASIDE = {
    "x-amz-tagging": "PutObjectTagging",
    "x-amz-acl": "PutObjectAcl",
}
"""Headers of a PutObject that want a permission of their own."""


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a call asks for."""
    call = asking.call
    operation, named = route(call)
    bucket, key = str(named.get("Bucket", "")), str(named.get("Key", ""))
    query = dict(parse_qsl(call.query, keep_blank_values=True))
    action = _RENAMED.get(operation, operation or call.method)
    if action in _OF_A_VERSION and "versionId" in query:
        action = action.replace("Object", "ObjectVersion", 1)
    if operation == "DeleteObjects":
        keys = (text for name, text in texts_of(call.body) if name == "Key")
        yield from (question(f"s3:{action}", of_object(bucket, one)) for one in keys)
        return
    context = _listing(query) if action in _LISTS else {}
    yield question(f"s3:{action}", _resource(bucket, key), context)
    if action == "PutObject":
        yield from _beside(call, bucket, key)


def _beside(call: Call, bucket: str, key: str) -> Iterable[Question]:
    """Yield what writing an object asks for beside the writing."""
    source = unquote(call.header("x-amz-copy-source")).lstrip("/")
    if source:
        yield question("s3:GetObject", f"arn:aws:s3:::{source.partition('?')[0]}")
    for header, further in _ASIDE.items():
        if call.header(header):
            yield question(f"s3:{further}", of_object(bucket, key))


def listing_of(asking: Asking) -> Question | None:
    """Return what tells a missing object from a forbidden one, for a call that reads an object.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: without ListBucket, what
    is not there is answered as if it were forbidden.
    """
    operation, named = route(asking.call)
    if operation not in {"GetObject", "HeadObject"}:
        return None
    return question("s3:ListBucket", _resource(str(named.get("Bucket", "")), ""))


def of_object(bucket: str, key: str) -> str:
    """Return the ARN of an object."""
    return f"arn:aws:s3:::{bucket}/{key}"


def _resource(bucket: str, key: str) -> str:
    if not bucket:
        return "*"
    return of_object(bucket, key) if key else f"arn:aws:s3:::{bucket}"


def _listing(query: dict[str, str]) -> dict[str, Values]:
    names = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
    return {key: (query[name],) for name, key in names.items() if name in query}
