"""Calls that name many instances: what is asked again when EC2 refuses some of them."""

from typing import TypeVar

from spawn.aws import answers
from spawn.contracts.ids import InstanceId
from spawn.errors import Cause, NotFound, Outcome

T = TypeVar("T")

_PROTECTED = "OperationNotPermitted"
"""The refusal that is one instance's own: it is protected from termination or from a stop."""


def known(ids: list[InstanceId], error: NotFound) -> list[InstanceId]:
    """Return the ids without those that the error names; its own text may be cut short."""
    unknown = answers.named_instances(str(error.__cause__ or error))
    return [one for one in ids if one not in unknown]


def parts(known: list[InstanceId], asked: int) -> list[list[InstanceId]]:
    """Return what to ask for again; halves when the error told nothing apart."""
    if len(known) < asked:
        return [known] if known else []
    return halves(known) if asked > 1 else []


def halves(ids: list[T]) -> list[list[T]]:
    """Return two lists in place of one."""
    middle = len(ids) // 2
    return [ids[:middle], ids[middle:]]


def concerns_all(error: Outcome) -> bool:
    """Say whether a refusal is of the caller, whatever the instances."""
    return error.cause is Cause.PERMISSION and error.code != _PROTECTED
