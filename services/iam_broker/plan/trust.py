"""Who may assume a role: for machines EC2, and nobody else; pure.

STS reports the session name of whoever signs. EC2 makes it the id of the instance; anybody else
who may assume the role chooses it freely.
"""

import json
from typing import Any

import msgspec

from spawn.contracts.grants import Role

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
"""The trust of every role of ours."""

_EC2 = frozenset({"ec2.amazonaws.com", "ec2.amazonaws.com.cn"})
_ASSUME = frozenset({"sts:assumerole", "sts:*", "*"})


def trusts_as_ours(role: Role) -> bool:
    """Say whether a role's trust is exactly that of ours."""
    return _read(role.trust) == TRUST


def is_same(text: str, other: str) -> bool:
    """Say whether two documents say the same, however they are written."""
    read = _read(text)
    return read is not None and read == _read(other)


def trusts_ec2_alone(trust: str) -> bool:
    """Say whether EC2 may assume a role with this trust, and nobody else may."""
    try:
        document = msgspec.json.decode(trust, type=_Document)
    except (msgspec.MsgspecError, ValueError):
        return False
    statements = document.statement
    listed = statements if isinstance(statements, list) else [statements]
    allowing = [each for each in listed if each.effect != "Deny"]
    return any(_assumes(each) for each in allowing) and all(_is_ec2(each) for each in allowing)


class _Statement(msgspec.Struct, frozen=True, rename="pascal"):
    """As much of a statement as says whom it is about; one of `NotPrincipal` has no principal."""

    effect: str = ""
    principal: str | dict[str, str | list[str]] = ""
    action: str | list[str] = ""


class _Document(msgspec.Struct, frozen=True, rename="pascal"):
    statement: _Statement | list[_Statement]


def _assumes(statement: _Statement) -> bool:
    return any(each.lower() in _ASSUME for each in _listed(statement.action))


def _is_ec2(statement: _Statement) -> bool:
    principal = statement.principal
    if isinstance(principal, str) or set(principal) != {"Service"}:
        return False
    services = _listed(principal["Service"])
    return bool(services) and _EC2.issuperset(services)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
