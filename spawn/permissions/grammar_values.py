"""The values that stand in policy documents, and what is said of wrong ones."""

import re
from typing import cast

from spawn.errors import Rejected

FIELD = "documents"
Json = dict[str, object]

_PRINTABLE = re.compile(r"[\t\n\r\x20-\xff]*")
_LONGEST_SHOWN = 80


def texts(value: object, where: str) -> list[str]:
    """Return one or several texts as a list; raise `Rejected` for anything else, and for none."""
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    if not values:
        raise wrong(where, "write at least one value")
    return [_text(each, where) for each in values]


def scalars(value: object, where: str) -> list[str]:
    """Return what conditions compare to: texts, and numbers and truth written as such."""
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    return texts([_scalar(each) for each in values], where)


def wrong(where: str, expected: str, value: object = None) -> Rejected:
    """Say what is wrong in a policy document."""
    said = "" if value is None else f"={str(value)[:_LONGEST_SHOWN]!r}"
    return Rejected(f"{FIELD}: {where[:_LONGEST_SHOWN]}{said}: {expected}", field=FIELD)


def _scalar(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise wrong(where, "write a text, or a list of texts", value)
    if not _PRINTABLE.fullmatch(value):
        raise wrong(where, "IAM takes printable characters of Latin-1 only", ascii(value))
    return value
