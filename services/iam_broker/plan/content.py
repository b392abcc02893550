"""From what is asked for to what is granted: one canonical policy, whatever the order; pure."""

import msgspec

from spawn.contracts.grants import Permissions
from spawn.permissions.documents import document
from spawn.permissions.expansion import expand
from spawn.permissions.items import parse, render
from spawn.permissions.realm import Realm
from spawn.permissions.statements import canonical


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a grant allows: an inline policy (empty for none) and ARNs of managed ones.

    `permissions` are what was asked for in canonical form.
    """

    document: str = ""
    managed: tuple[str, ...] = ()
    permissions: Permissions = Permissions()
    statements: tuple[str, ...] = ()


def read_content(asked: Permissions, realm: Realm) -> Content:
    """Return what permissions are in a realm; raise `Rejected` naming what is wrong."""
    items = parse(asked.policies)
    return Content(
        document=document(canonical(expand(items, realm))),
        permissions=Permissions(policies=tuple(map(render, items))),
        statements=tuple(map(render, items)),
    )
