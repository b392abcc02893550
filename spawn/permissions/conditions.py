"""Conditions of policy documents, read as IAM's grammar has them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import difflib
import re
from collections.abc import Iterator
from typing import cast

from spawn.permissions.grammar_values import Json, scalars, wrong
from spawn.permissions.statements import Condition

_OPERATORS = (
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
    "StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan",
    "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals",
    "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
    "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals",
    "ArnLike", "ArnNotEquals", "ArnNotLike",
)  # fmt: skip
_NULL = "Null"
_SETS = ("ForAllValues:", "ForAnyValue:")
_KEY = re.compile(r"[A-Za-z0-9-]+:[\w:./+=@${}*-]+", re.ASCII)


def read_conditions(value: object, statement: str) -> Iterator[Condition]:
    """Yield the conditions of a statement; raise `Rejected` naming the wrong element."""
    where = f"{statement}.Condition"
    for operator, compared in _mapping(value, where).items():
        check_operator(operator, where)
        inside = f"{where}.{operator}"
        keys = _mapping(compared, inside)
        if not keys:
            raise wrong(inside, "write a key, such as aws:SourceIp")
        for key, values in keys.items():
            if not _KEY.fullmatch(key):
                raise wrong(inside, "write a key with its service, such as s3:prefix", key)
            yield Condition(operator, key, tuple(sorted(set(scalars(values, f"{inside}.{key}")))))


def check_operator(operator: str, where: str) -> None:
    """Pass when IAM has such an operator; raise `Rejected` with the nearest otherwise."""
    bare = operator
    for prefix in _SETS:
        bare = bare.removeprefix(prefix)
    if operator == _NULL or bare.removesuffix("IfExists") in _OPERATORS:
        return
    near = difflib.get_close_matches(operator[:80], [*_OPERATORS, _NULL], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "use one such as StringEquals"
    raise wrong(where, hint, operator)


def _mapping(value: object, where: str) -> Json:
    if not isinstance(value, dict):
        raise wrong(where, "write a JSON object", value)
    return cast("Json", value)
