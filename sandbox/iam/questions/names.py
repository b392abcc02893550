"""Route 53's calls.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
"""

from collections.abc import Iterable

from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, Values, question, texts_of
from sandbox.routing import route

_ZONED = frozenset({"ListHostedZones", "ListHostedZonesByName", "CreateHostedZone"})


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a call asks for; a batch of changes is allowed as a whole or not at all."""
    operation, named = route(asking.call)
    action = f"route53:{operation or asking.call.method}"
    zone = str(named.get("Id", named.get("HostedZoneId", ""))).rpartition("/")[2]
    if not zone or operation in _ZONED:
        yield question(action)
        return
    kind = "change" if operation == "GetChange" else "hostedzone"
    context = _changes(asking.call.body) if operation == "ChangeResourceRecordSets" else {}
    yield question(action, f"arn:aws:route53:::{kind}/{zone}", context)


def normalized(name: str) -> str:
    """Return a record's name as conditions see it: in lower case, without the last dot."""
    return name.lower().rstrip(".")


def _changes(body: bytes) -> dict[str, Values]:
    prefix = "route53:changeresourcerecordsets"
    wanted = {"Name": "normalizedrecordnames", "Type": "recordtypes", "Action": "actions"}
    found: dict[str, list[str]] = {f"{prefix}{one}": [] for one in wanted.values()}
    for name, text in texts_of(body):
        key = wanted.get(name)
        if key is not None:
            found[f"{prefix}{key}"].append(normalized(text) if key.startswith("n") else text)
    return {key: tuple(dict.fromkeys(values)) for key, values in found.items()}
