"""What may be kept of a message that can't be handled: its shape, without what may be secret."""

from typing import Any, cast

import msgspec

from spawn.contracts.launches import TEXTS, Launch, LaunchSpec, Terminate
from spawn.contracts.members import Facts
from spawn.contracts.reports import REPORTS

_FREE_TEXTS = frozenset({*TEXTS, "reason", "tail", "data"})
_PUBLIC = (
    frozenset(
        field.name
        for kind in (Launch, LaunchSpec, Terminate, Facts, *REPORTS.values())
        for field in msgspec.structs.fields(kind)
    )
    - _FREE_TEXTS
)
"""Names of fields whose values are no secret: all others, misspelt ones too, may hold anything."""

_LONGEST_KEY = 64


def redacted(body: bytes) -> bytes:
    """Return a message's JSON with only the values of known public fields; nothing of others."""
    try:
        return msgspec.json.encode(_shown(msgspec.json.decode(body)))
    # Bad UTF-8 and bottomless nesting have errors of their own.
    except (ValueError, RecursionError):
        return b""


def _shown(value: Any) -> Any:
    match value:
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return {
                key[:_LONGEST_KEY]: _shown(each) if key in _PUBLIC else _masked(each)
                for key, each in pairs
            }
        case list():
            return [_shown(each) for each in cast("list[Any]", value)]
        case _:
            return value


def _masked(value: Any) -> Any:
    match value:
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return {key[:_LONGEST_KEY]: _masked(each) for key, each in pairs}
        case list():
            return [_masked(each) for each in cast("list[Any]", value)]
        case str():
            return f"<{len(value.encode(errors='replace'))} bytes>"
        case _:
            return f"<{type(value).__name__}>"
