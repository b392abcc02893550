"""Services whose calls name one kind of resource by one parameter.

By their pages of the service authorization reference. A call that isn't known here is asked for
on `*`: only a policy that names no resource allows it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import msgspec

from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, question

Finder = Callable[[Asking], Iterable[str]]
"""Yields the ARNs that a call names; none is `*`."""

_RENAMED = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
    "lambda:Invoke": "lambda:InvokeFunction",
}
_PREFIXES = {"monitoring": "cloudwatch"}
"""Names in policies of services that sign with another one."""


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a call asks for."""
    call = asking.call
    action = f"{_PREFIXES.get(call.service, call.service)}:{call.action or call.method}"
    finder = _FINDERS.get(call.service)
    found = dict.fromkeys(finder(asking)) if finder is not None else {}
    for arn in found or ("*",):
        asked = question(_RENAMED.get(action, action), arn, _context(asking))
        yield msgspec.structs.replace(asked, also=_also(arn))


def _context(asking: Asking) -> dict[str, tuple[str, ...]]:
    here = {"aws:requestedregion": (str(asking.call.region),)}
    namespace = asking.text("Namespace") if asking.call.service == "monitoring" else ""
    return {**here, "cloudwatch:namespace": (namespace,)} if namespace else here


def _also(arn: str) -> tuple[str, ...]:
    """Return other spellings: a log group's ARN ends with `:*` in most policies, not in all.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    if ":log-group:" in arn and ":log-stream:" not in arn:
        return (f"{arn}:*", f"{arn}:log-stream:")
    return ()


def _queue(asking: Asking) -> Iterable[str]:
    name = asking.text("QueueName") or asking.text("QueueUrl").rstrip("/").rpartition("/")[2]
    if name:
        yield asking.arn("sqs", name)


def _topic(asking: Asking) -> Iterable[str]:
    given = asking.text("TopicArn") or asking.text("TargetArn") or asking.text("ResourceArn")
    name = asking.text("Name")
    if given or name:
        yield given or asking.arn("sns", name)


def _parameter(asking: Asking) -> Iterable[str]:
    given = asking.parameters()
    names = [given.get("Name"), given.get("Path"), *_texts(given.get("Names"))]
    for name in names:
        if not isinstance(name, str) or asking.call.action == "DescribeParameters":
            continue
        if name.startswith("arn:"):
            yield name
            continue
        path = name.partition(":")[0].lstrip("/")
        # AWS's own parameters belong to no account.
        yield asking.arn("ssm", f"parameter/{path}", owned=not path.startswith("aws/service/"))


def _table(asking: Asking) -> Iterable[str]:
    given = asking.parameters()
    names = [asking.text("TableName")]
    batch = given.get("RequestItems")
    if isinstance(batch, dict):
        names += list(cast("dict[str, Any]", batch))
    for item in _maps(given.get("TransactItems")):
        names += [str(one.get("TableName", "")) for one in item.values()]
    index = asking.text("IndexName")
    for name in filter(None, names):
        arn = name if name.startswith("arn:") else asking.arn("dynamodb", f"table/{name}")
        yield f"{arn}/index/{index}" if index else arn


def _log_group(asking: Asking) -> Iterable[str]:
    name = asking.text("logGroupName") or asking.text("logGroupIdentifier")
    if asking.call.action == "DescribeLogGroups":
        name = asking.text("logGroupNamePrefix")
        yield asking.arn("logs", f"log-group:{name}")
        return
    if not name:
        return
    arn = name if name.startswith("arn:") else asking.arn("logs", f"log-group:{name}")
    stream = asking.text("logStreamName")
    by_stream = asking.call.action in {"PutLogEvents", "GetLogEvents", "DeleteLogStream"}
    yield f"{arn}:log-stream:{stream}" if by_stream else arn


def _secret(asking: Asking) -> Iterable[str]:
    given = asking.text("SecretId") or asking.text("Name")
    if not given:
        return
    if given.startswith("arn:"):
        yield given
        return
    from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415  0.1 s, seldom

    backend: Any = secretsmanager_backends[asking.call.account][asking.call.region]
    known = backend.secrets.get(given) if given in backend.secrets else None
    yield (
        asking.arn("secretsmanager", f"secret:{given}-??????") if known is None else str(known.arn)
    )


def _key(asking: Asking) -> Iterable[str]:
    given = asking.text("KeyId")
    if not given:
        return
    from moto.kms.models import kms_backends  # noqa: PLC0415  0.1 s, seldom

    backend: Any = kms_backends[asking.call.account][asking.call.region]
    name = given.rpartition(":key/")[2] if ":key/" in given else given
    if "alias/" in given:
        name = backend.get_key_id_from_alias(given[given.index("alias/") :]) or given
    yield asking.arn("kms", f"key/{name}")


def _repository(asking: Asking) -> Iterable[str]:
    name = asking.text("repositoryName")
    if name:
        yield asking.arn("ecr", f"repository/{name}")


def _rule(asking: Asking) -> Iterable[str]:
    name = asking.text("Rule") or asking.text("Name")
    if name:
        yield asking.arn("events", f"rule/{name}")


def _texts(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _maps(value: Any) -> Iterable[Mapping[str, Mapping[str, Any]]]:
    return cast(
        "list[dict[str, dict[str, Any]]]", [one for one in _texts(value) if isinstance(one, dict)]
    )


_FINDERS: dict[str, Finder] = {
    "sqs": _queue,
    "sns": _topic,
    "ssm": _parameter,
    "dynamodb": _table,
    "logs": _log_group,
    "secretsmanager": _secret,
    "kms": _key,
    "ecr": _repository,
    "events": _rule,
}
