"""Whether a condition holds, by operator.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
and, for several values,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Any

from sandbox.errors import AwsError
from sandbox.iam.patterns import (
    Context,
    equals,
    equals_any_case,
    matches,
    matches_arn,
)
from sandbox.iam.policy import Condition

Compare = Callable[[str, str, Context | None], bool]
"""Says whether a wanted and a given value fit."""

_IF_EXISTS = "IfExists"
_ANY, _ALL = "ForAnyValue", "ForAllValues"
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}


def holds(condition: Condition, context: Context, *, has_variables: bool = True) -> bool:
    """Say whether a condition holds for a request.

    Raises `AwsError` MalformedPolicyDocument for an operator that IAM does not have.
    """
    over, _, name = condition.operator.rpartition(":")
    given = context.get(condition.key, ())
    if name == "Null":
        return any((value.lower() == "true") is not bool(given) for value in condition.values)
    base = name.removesuffix(_IF_EXISTS)
    if not given and name != base:
        return True
    compare, negated = _comparison(base)
    if not given:
        # Who is missing is not who must not come.
        return over == _ALL or (negated and over != _ANY)
    variables = context if has_variables else None
    found = [
        any(compare(wanted, value, variables) for wanted in condition.values) is not negated
        for value in given
    ]
    # Without a set operator a key has one value; of several, what must not match may not at all.
    return all(found) if over == _ALL or (negated and over != _ANY) else any(found)


def _comparison(name: str) -> tuple[Compare, bool]:
    """Return how an operator compares, and whether it wants the contrary."""
    if name in _PLAIN:
        return _PLAIN[name], False
    if name in _NEGATED:
        return _PLAIN[_NEGATED[name]], True
    raise AwsError("MalformedPolicyDocument", f"Invalid condition operator {name}")


def _bool(wanted: str, given: str, _: Context | None) -> bool:
    return wanted.lower() == given.lower()


def _address(wanted: str, given: str, _: Context | None) -> bool:
    try:
        return ip_address(given) in ip_network(wanted, strict=False)
    except ValueError:
        return False


def _number(compare: Callable[[Any, Any], bool]) -> Compare:
    def compared(wanted: str, given: str, _: Context | None) -> bool:
        try:
            return compare(Decimal(given), Decimal(wanted))
        except InvalidOperation:
            return False

    return compared


def _date(compare: Callable[[Any, Any], bool]) -> Compare:
    def compared(wanted: str, given: str, _: Context | None) -> bool:
        try:
            return compare(_instant(given), _instant(wanted))
        except ValueError:
            return False

    return compared


def _instant(text: str) -> datetime:
    """Read ISO 8601, or seconds since 1970."""
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


_PLAIN: dict[str, Compare] = {
    "StringEquals": equals,
    "StringEqualsIgnoreCase": equals_any_case,
    "StringLike": matches,
    "ArnEquals": matches_arn,
    "ArnLike": matches_arn,
    "BinaryEquals": equals,
    "Bool": _bool,
    "IpAddress": _address,
    **{f"Numeric{name}": _number(order) for name, order in _ORDERS.items()},
    **{f"Date{name}": _date(order) for name, order in _ORDERS.items()},
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
