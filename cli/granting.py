"""What would be granted, said by the IAM broker where one runs, else worked out here."""

import asyncio
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import msgspec

from cli.exits import Ended, Exit, Usage
from cli.plane import open_plane
from cli.specs import in_flags
from spawn.contracts.grants import (
    API_DESCRIBE,
    Caution,
    GrantDescription,
    GrantRequest,
    Permissions,
)
from spawn.errors import Rejected, Transient
from spawn.permissions.auditing import audit
from spawn.permissions.cautions import cautions
from spawn.permissions.grammar import read_document
from spawn.permissions.limits import INLINE_LIMIT
from spawn.permissions.policies import make_policy
from spawn.permissions.realm import Realm, partition_of
from spawn.permissions.words import describe

REGION, ACCOUNT = "REGION", "ACCOUNT"
"""What stands in ARNs where nothing says which region or account it is."""


_ACCOUNT = re.compile(r"[0-9]{12}")


def realm_of(region: str, account: str) -> Realm:
    """Return what ARNs are completed with; words in capitals stand for what is not known."""
    if account and not _ACCOUNT.fullmatch(account):
        raise Usage(f"--account {account!r}: use the 12 digits of an AWS account")
    return Realm(
        partition=partition_of(region), region=region or REGION, account=account or ACCOUNT
    )


def work_out(permissions: Permissions, realm: Realm) -> GrantDescription:
    """Return what would be granted as far as it does not depend on a deployment.

    There is no hash, role, profile or boundary in it. Raises `Rejected` as the broker would.
    """
    policy = make_policy(permissions, realm)
    return GrantDescription(
        hash="",
        role=permissions.role or "",
        profile="",
        document=policy.document,
        size=policy.size,
        limit=INLINE_LIMIT,
        managed=policy.managed,
        statements=describe(policy),
        warnings=cautions(policy),
    )


def look_up(permissions: Permissions, region: str) -> GrantDescription | None:
    """Return what the broker would grant; None where no control plane runs.

    Raises `Rejected` for what it would refuse.
    """
    return asyncio.run(_look_up(permissions, region))


async def _look_up(permissions: Permissions, region: str) -> GrantDescription | None:
    asked = GrantRequest(**msgspec.structs.asdict(permissions), region=region)
    try:
        async with open_plane() as plane:
            return await plane.requests.ask(API_DESCRIBE, asked, GrantDescription)
    except Transient:
        # All that a broker could add is which account this is, and what the role is called.
        return None


def audit_files(documents: Iterable[str]) -> tuple[Caution, ...]:
    """Return what parliament finds in policies that people brought, where it is installed."""
    return tuple(
        finding
        for number, text in enumerate(documents, 1)
        for finding in audit(text, f"policy file {number}")
    )


@contextmanager
def in_arguments() -> Generator[None]:
    """Let rejections name what stands in SPEC, rather than the field of a request."""
    try:
        yield
    except Rejected as error:
        spec = re.sub(r"^policies=?", "SPEC ", error.message).replace("SPEC :", "SPEC:")
        said = spec if error.field == "policies" else in_flags(error.field, error.message)
        raise Ended(Exit.REJECTED, said) from error


def lint_file(path: Path, text: str) -> tuple[Caution, ...]:
    """Return what is to be said of a policy in a file.

    Raises `Rejected` naming the file, and the element that IAM would not take.
    """
    try:
        read_document(text)
        policy = make_policy(Permissions(documents=(text,)), realm_of("", ""))
    except Rejected as error:
        said = error.message.removeprefix(f"{error.field}: ")
        raise Rejected(f"{path}: {said}", field=error.field) from error
    found = cautions(policy)
    named = (
        msgspec.structs.replace(each, where=each.where.replace("policy file 1", str(path)))
        for each in found
    )
    return (*named, *audit(text, str(path)))
