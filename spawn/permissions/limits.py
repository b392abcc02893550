"""What IAM takes at most (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""

from collections.abc import Iterable

from spawn.errors import Cause, Rejected
from spawn.permissions.statements import Statement

INLINE_LIMIT = 10_240
"""Characters of all inline policies of a role together, without white space."""

MOST_NAMES = 1000
"""Different actions, and resources with their conditions, that are looked at: some 600 ARNs of
the shortest fill a role's policies, and to compare all with all takes time."""


def check_count(statements: Iterable[Statement]) -> None:
    """Pass when so many names could fit a role; raise `Rejected` with what to do otherwise."""
    names: set[object] = set()
    for each in statements:
        names.update(each.actions)
        names.update((each.effect, resource, each.conditions) for resource in each.resources)
        if len(names) > MOST_NAMES:
            raise Rejected(
                f"policies: they name more than {MOST_NAMES} actions and resources, and IAM takes"
                f" {INLINE_LIMIT} characters of a role: join them with wildcards, such as"
                " s3:ReadOnly:BUCKET-*",
                field="policies",
                code="PolicyTooLarge",
                cause=Cause.QUOTA,
            )


def check_size(size: int, *, field: str) -> None:
    """Pass when a document fits a role; raise `Rejected` with what to do otherwise."""
    if size > INLINE_LIMIT:
        raise too_large(size, field=field)


def too_large(size: int, *, field: str) -> Rejected:
    """Say that a document does not fit a role, and what does."""
    return Rejected(
        f"{field}: the document has {size} characters without white space, and IAM takes"
        f" {INLINE_LIMIT} of a role: join resources with wildcards, such as s3:ReadOnly:BUCKET/*,"
        " or put a part into a managed policy of your own (--iam-managed-policies)",
        field=field,
        code="PolicyTooLarge",
        cause=Cause.QUOTA,
    )
