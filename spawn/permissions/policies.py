"""Permissions as IAM is to have them: one inline document, and managed policies."""

from collections.abc import Iterator

import msgspec

from spawn.contracts.grants import Permissions
from spawn.errors import Rejected
from spawn.permissions.documents import document, size_of
from spawn.permissions.expansion import expand
from spawn.permissions.grammar import read_document
from spawn.permissions.grammar_values import FIELD as DOCUMENTS
from spawn.permissions.items import FIELD as POLICIES
from spawn.permissions.items import Item, parse, render
from spawn.permissions.limits import check_count, check_size
from spawn.permissions.managed import managed_arns
from spawn.permissions.realm import Realm
from spawn.permissions.statements import Statement, canonical

MOST_DOCUMENTS = 10


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what was asked for, and what it says.

    `name` is how people find it: an item in its canonical form, or the number of a document.
    """

    field: str
    name: str
    statements: tuple[Statement, ...]
    item: Item | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a role is to have: `document` is minified and empty when nothing stands in it.

    `size` is in characters as IAM counts them; `managed` are ARNs; `sources` tell where it is
    from.
    """

    document: str
    size: int
    managed: tuple[str, ...]
    statements: tuple[Statement, ...]
    sources: tuple[Source, ...]


def make_policy(permissions: Permissions, realm: Realm) -> Policy:
    """Return what permissions come to, ARNs completed with the parts of `realm`.

    The same permissions, in whatever order and repetition, come to the same. Raises `Rejected`
    naming field, value and what is right. A role that exists has what it has: it is not looked at.
    """
    sources = (*_items(permissions, realm), *_documents(permissions))
    given = [statement for each in sources for statement in each.statements]
    check_count(given)
    statements = canonical(given)
    text = document(statements)
    size = size_of(text)
    check_size(size, field=POLICIES if permissions.policies else DOCUMENTS)
    return Policy(
        document=text,
        size=size,
        managed=managed_arns(permissions.managed, realm),
        statements=statements,
        sources=sources,
    )


def _items(permissions: Permissions, realm: Realm) -> Iterator[Source]:
    for item in parse(permissions.policies):
        yield Source(
            field=POLICIES, name=render(item), statements=tuple(expand([item], realm)), item=item
        )


def _documents(permissions: Permissions) -> Iterator[Source]:
    given = tuple(dict.fromkeys(permissions.documents))
    if len(given) > MOST_DOCUMENTS:
        raise Rejected(
            f"{DOCUMENTS}: {len(given)} of them; use {MOST_DOCUMENTS} at most", field=DOCUMENTS
        )
    for number, text in enumerate(given, 1):
        yield Source(field=DOCUMENTS, name=f"policy file {number}", statements=read_document(text))
