"""JSON on the wire: encoding with a size limit, decoding with the field that is wrong."""

import re
from typing import Any, TypeVar

import msgspec

from spawn.errors import Rejected

T = TypeVar("T")

LARGEST = 900 * 1024
"""Bytes of a body: the server closes the connection of who sends more than its `max_payload` of
1 MiB, headers included (https://docs.nats.io/running-a-nats-service/configuration)."""

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>[^`]*)`")
_LONGEST_TEXT = 300
_ENCODER = msgspec.json.Encoder()


def encode(value: Any, *, field: str = "", largest: int = LARGEST) -> bytes:
    """Encode as JSON; raise `Rejected` when the result has more than `largest` bytes."""
    return check_size(_ENCODER.encode(value), field=field, largest=largest)


def check_size(data: bytes, *, field: str = "", largest: int = LARGEST) -> bytes:
    """Return `data`; raise `Rejected` when it has more than `largest` bytes."""
    if len(data) > largest:
        raise Rejected(
            f"{len(data)} bytes are too many for the bus, which takes {largest}",
            field=field,
            code="TooLarge",
        )
    return data


def decode(data: bytes, kind: type[T]) -> T:
    """Decode JSON; raise `Rejected` whose `field` is the path of what is wrong, `spec.count`."""
    try:
        return msgspec.json.decode(data, type=kind)
    # Bad UTF-8 and bottomless nesting have errors of their own.
    except (ValueError, RecursionError) as error:
        raise _rejection(error) from error


def _rejection(error: Exception) -> Rejected:
    if not isinstance(error, msgspec.ValidationError):
        return Rejected(f"not JSON: {_shorten(str(error))}", code="InvalidMessage")
    what, field = _read(str(error))
    text = f"{field}: {what}" if field else what
    return Rejected(_shorten(text), field=field, code="InvalidMessage")


def _read(text: str) -> tuple[str, str]:
    match = _AT.fullmatch(text)
    what, path = (match["what"], match["path"] or "") if match else (text, "")
    field = path.removeprefix("$").removeprefix(".")
    named = _MISSING.match(what)
    if named:
        field = f"{field}.{named['name']}" if field else named["name"]
    return what, field[:_LONGEST_TEXT]


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
