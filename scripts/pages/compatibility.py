"""What a change of a contract would break: for those who read what we write, and for us.

New fields that may be left out, and new values of an enumeration, are allowed. All else is a new
version: removed, renamed or retyped fields, and a field that becomes required or optional.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]


class _Pair(NamedTuple):
    before: Schema
    after: Schema


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """Name every place at which readers of `before` can't rely on `after`."""
    return list(_compare(_Pair(before, after), _Pair(before, after), "$"))


def _compare(pair: _Pair, roots: _Pair, path: str) -> Iterator[str]:
    before = _resolve(pair.before, roots.before)
    after = _resolve(pair.after, roots.after)
    if before.get("type") != after.get("type"):
        yield f"{path}: {_kind(before)} became {_kind(after)}"
        return
    if before.get("format") != after.get("format"):
        yield f"{path}: format {before.get('format')} became {after.get('format')}"
    lost = set(before.get("enum", ())) - set(after.get("enum", ()))
    if lost:
        yield f"{path}: the values {', '.join(sorted(map(str, lost)))} are gone"
    yield from _compare_properties(_Pair(before, after), roots, path)
    yield from _compare_openness(_Pair(before, after), roots, path)
    if "items" in before:
        items = _Pair(before["items"], after.get("items", {}))
        yield from _compare(items, roots, f"{path}[]")
    yield from _compare_alternatives(_Pair(before, after), roots, path)


def _compare_properties(pair: _Pair, roots: _Pair, path: str) -> Iterator[str]:
    before, after = pair.before.get("properties", {}), pair.after.get("properties", {})
    for name, schema in before.items():
        if name in after:
            yield from _compare(_Pair(schema, after[name]), roots, f"{path}.{name}")
        else:
            yield f"{path}.{name}: the field is gone"
    needed = set(pair.before.get("required", ())), set(pair.after.get("required", ()))
    for name in sorted(needed[1] - needed[0]):
        yield f"{path}.{name}: the field became required"
    for name in sorted((needed[0] - needed[1]) & set(after)):
        yield f"{path}.{name}: the field became optional"


def _compare_openness(pair: _Pair, roots: _Pair, path: str) -> Iterator[str]:
    before = pair.before.get("additionalProperties", True)
    after = pair.after.get("additionalProperties", True)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _compare(_Pair(before, after), roots, f"{path}.*")
    elif before is not after and after is not True:
        yield f"{path}: unknown fields are no longer taken"


def _compare_alternatives(pair: _Pair, roots: _Pair, path: str) -> Iterator[str]:
    offered = pair.after.get("anyOf", ())
    for schema in pair.before.get("anyOf", ()):
        if not any(not list(_compare(_Pair(schema, each), roots, path)) for each in offered):
            yield f"{path}: the alternative {_kind(schema)} is gone or has changed"


def _resolve(schema: Schema, root: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return root["$defs"][name] if name else schema


def _kind(schema: Schema) -> str:
    return str(schema.get("$ref", schema.get("type", "one of several"))).rpartition("/")[2]
