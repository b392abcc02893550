"""Which resources calls name, by service: functions that yield ARNs; none is `*`."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from sandbox.iam.questions.asking import Asking
from sandbox.iam.questions.keys import key
from sandbox.routing import route

Finder = Callable[[Asking], Iterable[str]]


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


def _repository(asking: Asking) -> Iterable[str]:
    name = asking.text("repositoryName")
    if name:
        yield asking.arn("ecr", f"repository/{name}")


def _rule(asking: Asking) -> Iterable[str]:
    name = asking.text("Rule") or asking.text("Name")
    if name:
        yield asking.arn("events", f"rule/{name}")


def _function(asking: Asking) -> Iterable[str]:
    given = str(route(asking.call).named.get("FunctionName", ""))
    if given:
        yield given if given.startswith("arn:") else asking.arn("lambda", f"function:{given}")


def _metrics(asking: Asking) -> Iterable[str]:
    form, action = asking.call.form, asking.call.action
    if "Alarm" in action:
        named = [form["AlarmName"]] if "AlarmName" in form else []
        named += [value for name, value in form.items() if name.startswith("AlarmNames.member.")]
        yield from (asking.arn("cloudwatch", f"alarm:{one}") for one in named or ("*",))
    elif "DashboardName" in form:
        yield asking.global_arn("cloudwatch", f"dashboard/{form['DashboardName']}")


def _texts(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


FINDERS: dict[str, Finder] = {
    "sqs": _queue,
    "sns": _topic,
    "ssm": _parameter,
    "logs": _log_group,
    "secretsmanager": _secret,
    "kms": key,
    "ecr": _repository,
    "events": _rule,
    "lambda": _function,
    "monitoring": _metrics,
}
