"""From what is asked for to what is granted: one canonical policy, whatever the order; pure."""

import msgspec

from spawn.contracts.grants import Caution, Permissions
from spawn.permissions.cautions import cautions, check_strict
from spawn.permissions.ceiling import check_ceiling
from spawn.permissions.items import render
from spawn.permissions.policies import make_policy
from spawn.permissions.realm import Realm
from spawn.permissions.words import describe


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a grant allows: an inline policy (empty for none) and ARNs of managed ones.

    `size` is of the inline policy in characters as IAM counts them; `permissions` are what was
    asked for in canonical form, without policies that are given as JSON.
    """

    document: str = ""
    size: int = 0
    managed: tuple[str, ...] = ()
    permissions: Permissions = Permissions()
    statements: tuple[str, ...] = ()
    warnings: tuple[Caution, ...] = ()


def read_content(
    asked: Permissions, realm: Realm, *, ceiling: tuple[str, ...] = (), strict: bool = False
) -> Content:
    """Return what permissions are in a realm.

    Raises `Rejected` naming what is wrong, above the ceiling, or, where `strict`, to be warned of.
    """
    policy = make_policy(asked, realm)
    check_ceiling(ceiling, policy)
    warnings = cautions(policy)
    if strict:
        check_strict(warnings)
    items = tuple(render(each.item) for each in policy.sources if each.item is not None)
    return Content(
        document=policy.document,
        size=policy.size,
        managed=policy.managed,
        permissions=Permissions(policies=items, managed=policy.managed),
        statements=describe(policy),
        warnings=warnings,
    )
