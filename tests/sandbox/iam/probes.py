"""Calls by which it is seen what a level of the language lets through.

`own` names what the permission is for, `other` something else. What need not exist does not: an
error other than a refusal is the service's own, behind the guard.
"""

from collections.abc import Callable
from typing import Any

from spawn.permissions.templates import Level
from tests.sandbox.iam.identities import ACCOUNT

Probe = Callable[[Any, str], Any]
"""Makes a call with a client, on what has this name."""

QUEUE = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/"
READS = {Level.READ, Level.READ_WRITE, Level.FULL}
WRITES = {Level.WRITE, Level.READ_WRITE, Level.FULL}
BOTH = {Level.READ_WRITE, Level.FULL}
ALL = {Level.FULL}
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"
ITEM = {"k": {"S": "1"}}
METRIC = [{"MetricName": "m", "Value": 1.0}]
EVENT = [{"timestamp": 1, "message": "m"}]


def _put_events(client: Any, name: str) -> Any:
    return client.put_log_events(logGroupName=name, logStreamName="s", logEvents=EVENT)


PROBES: dict[str, dict[str, tuple[set[Level], Probe]]] = {
    "s3": {
        "list": (READS, lambda s3, n: s3.list_objects_v2(Bucket=n)),
        "get": (READS, lambda s3, n: s3.get_object(Bucket=n, Key="k")),
        "put": (WRITES, lambda s3, n: s3.put_object(Bucket=n, Key="k", Body=b"x")),
        "delete": (BOTH, lambda s3, n: s3.delete_object(Bucket=n, Key="gone")),
        "tag": (ALL, lambda s3, n: s3.get_bucket_tagging(Bucket=n)),
    },
    "dynamodb": {
        "get": (READS, lambda db, n: db.get_item(TableName=n, Key=ITEM)),
        "scan an index": (READS, lambda db, n: db.scan(TableName=n, IndexName="index")),
        "put": (WRITES, lambda db, n: db.put_item(TableName=n, Item=ITEM)),
        "delete": (BOTH, lambda db, n: db.delete_item(TableName=n, Key=ITEM)),
        "drop": (ALL, lambda db, n: db.delete_table(TableName=n)),
        "get many at once": (
            READS,
            lambda db, n: db.transact_get_items(TransactItems=[{"Get": _item(n, Key=ITEM)}]),
        ),
        "put many at once": (
            WRITES,
            lambda db, n: db.transact_write_items(TransactItems=[{"Put": _item(n, Item=ITEM)}]),
        ),
        "delete among others": (
            BOTH,
            lambda db, n: db.transact_write_items(TransactItems=[{"Delete": _item(n, Key=ITEM)}]),
        ),
        "select": (READS, lambda db, n: db.execute_statement(Statement=f'SELECT * FROM "{n}"')),
        "insert": (WRITES, lambda db, n: db.execute_statement(Statement=_insertion(n))),
        "remove": (BOTH, lambda db, n: db.batch_execute_statement(Statements=[_removal(n)])),
    },
    "sqs": {
        "receive": (READS, lambda q, n: q.receive_message(QueueUrl=QUEUE + n)),
        "send": (WRITES, lambda q, n: q.send_message(QueueUrl=QUEUE + n, MessageBody="m")),
        "delete": (BOTH, lambda q, n: q.delete_message(QueueUrl=QUEUE + n, ReceiptHandle="r")),
        "purge": (ALL, lambda q, n: q.purge_queue(QueueUrl=QUEUE + n)),
    },
    "sns": {
        "look": (READS, lambda t, n: t.get_topic_attributes(TopicArn=_topic(n))),
        "publish": (WRITES, lambda t, n: t.publish(TopicArn=_topic(n), Message="m")),
        "delete": (ALL, lambda t, n: t.delete_topic(TopicArn=_topic(n))),
    },
    "cloudwatch": {
        "write": (WRITES, lambda c, n: c.put_metric_data(Namespace=n, MetricData=METRIC)),
    },
    "logs": {
        "filter": (READS, lambda c, n: c.filter_log_events(logGroupName=n)),
        "get": (READS, lambda c, n: c.get_log_events(logGroupName=n, logStreamName="s")),
        "make": (WRITES, lambda c, n: c.create_log_stream(logGroupName=n, logStreamName="s")),
        "put": (WRITES, _put_events),
        "delete": (ALL, lambda c, n: c.delete_log_group(logGroupName=n)),
    },
    "ecr": {
        "list": (READS, lambda c, n: c.list_images(repositoryName=n)),
        "push": (BOTH, lambda c, n: c.put_image(repositoryName=n, imageManifest="{}")),
        "delete": (ALL, lambda c, n: c.delete_repository(repositoryName=n)),
    },
    "secretsmanager": {
        "get": (READS, lambda c, n: c.get_secret_value(SecretId=n)),
        "put": (WRITES, lambda c, n: c.put_secret_value(SecretId=n, SecretString="s")),
        "delete": (ALL, lambda c, n: c.delete_secret(SecretId=n)),
    },
    "ssm": {
        "get": (READS, lambda c, n: c.get_parameter(Name=f"/{n}")),
        "put": (WRITES, lambda c, n: c.put_parameter(Name=f"/{n}", Value="v", Overwrite=True)),
        "delete": (BOTH, lambda c, n: c.delete_parameter(Name=f"/{n}")),
        "tag": (ALL, lambda c, n: c.label_parameter_version(Name=f"/{n}", Labels=["l"])),
    },
    "lambda": {
        "look": (READS, lambda c, n: c.get_function(FunctionName=n)),
        "invoke": (WRITES, lambda c, n: c.invoke(FunctionName=n)),
        "delete": (ALL, lambda c, n: c.delete_function(FunctionName=n)),
    },
    "kms": {
        "decrypt": (READS, lambda c, n: c.decrypt(KeyId=_key(n), CiphertextBlob=b"x")),
        "encrypt": (WRITES, lambda c, n: c.encrypt(KeyId=_key(n), Plaintext=b"x")),
        "delete": (ALL, lambda c, n: c.schedule_key_deletion(KeyId=_key(n))),
    },
}


def _item(table: str, **given: Any) -> dict[str, Any]:
    return {"TableName": table, **given}


def _insertion(table: str) -> str:
    return f"INSERT INTO \"{table}\" VALUE {{'k': '9'}}"


def _removal(table: str) -> dict[str, str]:
    return {"Statement": f"DELETE FROM \"{table}\" WHERE k = '1'"}


def _topic(name: str) -> str:
    return f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"


def _key(name: str) -> str:
    """Return the id of a key that stands for a name."""
    return f"00000000-0000-0000-0000-{name.encode().hex()[:12].ljust(12, '0')}"


def resource(service: str, name: str) -> str:
    """Return a name as the language writes it."""
    return f"key/{_key(name)}" if service == "kms" else name
