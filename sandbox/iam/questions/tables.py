"""DynamoDB's calls: several items, transactions, statements and streams.

A transaction is asked for as what is in it, and a statement as what it does: neither has an action
of its own.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
"""

import re
from collections.abc import Iterable
from typing import Any, cast

from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, question

_TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_STATEMENT = re.compile(
    r"\b(?P<verb>SELECT|INSERT|UPDATE|DELETE)\b(?:.*?\b(?:FROM|INTO)\b)?\s*"
    r'"?(?P<table>[\w.:/-]+)"?(?:\."?(?P<index>[\w.-]+)"?)?',
    re.IGNORECASE | re.DOTALL,
)
_STATEMENTS = ("Statements", "TransactStatements")


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a call asks for."""
    action = asking.call.action
    asked = dict.fromkeys(
        [*_items(asking), *_statements(asking)] or [(action, arn) for arn in _named(asking)]
    )
    context = {"aws:requestedregion": (str(asking.call.region),)}
    for name, arn in asked or {(action, "*"): None}:
        yield question(f"dynamodb:{name}", arn, context)


def _items(asking: Asking) -> Iterable[tuple[str, str]]:
    """Yield the action and the table of each item of a transaction."""
    for item in _maps(asking.parameters().get("TransactItems")):
        for kind, one in item.items():
            if kind in _TRANSACTED and isinstance(one, dict):
                named = cast("dict[str, Any]", one)
                yield _TRANSACTED[kind], _arn(asking, str(named.get("TableName", "")))


def _statements(asking: Asking) -> Iterable[tuple[str, str]]:
    """Yield the action, and the table or index, of each statement."""
    given = asking.parameters()
    listed = [each for name in _STATEMENTS for each in _maps(given.get(name))]
    for each in listed or [given]:
        text = each.get("Statement")
        if not isinstance(text, str):
            continue
        found = _STATEMENT.search(text)
        if found is None:
            yield "PartiQLSelect", "*"
            continue
        action = f"PartiQL{found['verb'].capitalize()}"
        yield action, _arn(asking, found["table"], index=found["index"] or "")


def _named(asking: Asking) -> Iterable[str]:
    """Yield the stream, tables or index that other calls name."""
    stream = asking.text("StreamArn") or asking.text("ShardIterator").partition("|")[0]
    if stream:
        yield stream
        return
    names = [asking.text("TableName") or asking.text("ResourceArn")]
    batch = asking.parameters().get("RequestItems")
    if isinstance(batch, dict):
        names += list(cast("dict[str, Any]", batch))
    for name in filter(None, names):
        yield _arn(asking, name, index=asking.text("IndexName"))


def _arn(asking: Asking, name: str, *, index: str = "") -> str:
    arn = name if name.startswith("arn:") else asking.arn("dynamodb", f"table/{name}")
    return f"{arn}/index/{index}" if index else arn


def _maps(value: Any) -> list[dict[str, Any]]:
    listed = cast("list[Any]", value) if isinstance(value, list) else []
    return [one for one in listed if isinstance(one, dict)]
