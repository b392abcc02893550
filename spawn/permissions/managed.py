"""Managed policies, by name or ARN."""

import re
from collections.abc import Iterable

from spawn.errors import Rejected
from spawn.permissions.realm import Realm

FIELD = "managed"
MOST_MANAGED = 20
"""Managed policies of a role, at the most an account can be given; 10 where nothing was asked for
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""

# A path of AWS's own, such as service-role/, may stand before the name.
_NAME = re.compile(r"(?:(?:[\w-]{1,64}/){1,3})?[\w+=,.@-]{1,128}", re.ASCII)
_ARN = re.compile(
    r"arn:aws(?:-[a-z]+)*:iam::(?:aws|[0-9]{12}):policy/(?:[\x21-\x7e]{1,510}/)?"
    r"[\w+=,.@-]{1,128}",
    re.ASCII,
)


def managed_arns(names: Iterable[str], realm: Realm) -> tuple[str, ...]:
    """Return the ARNs of managed policies, sorted; a bare name is one of AWS's own.

    Raises `Rejected` for what can be neither, and for more than a role can have.
    """
    arns = sorted({_arn(name.strip(), realm) for name in names})
    if len(arns) > MOST_MANAGED:
        raise Rejected(
            f"{FIELD}: {len(arns)} managed policies; IAM attaches {MOST_MANAGED} to a role at"
            " most: join some of them in one policy",
            field=FIELD,
        )
    return tuple(arns)


def managed_name(arn: str) -> str:
    """Return what people call a managed policy."""
    return arn.rpartition("/")[2]


def _arn(name: str, realm: Realm) -> str:
    if _ARN.fullmatch(name):
        return name
    if name.startswith("arn:") or not _NAME.fullmatch(name):
        raise Rejected(
            f"{FIELD}={name[:80]!r}: use the name of one of AWS's policies, such as"
            " AmazonS3ReadOnlyAccess, or an ARN, such as arn:aws:iam::ACCOUNT:policy/NAME",
            field=FIELD,
        )
    return f"arn:{realm.partition}:iam::aws:policy/{name}"
