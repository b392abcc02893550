"""What IAM takes at most (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""

from spawn.errors import Cause, Rejected

INLINE_LIMIT = 10_240
"""Characters of all inline policies of a role together, without white space."""


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
