"""CloudEvents 1.0 in binary mode over NATS.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/nats-protocol-binding.md;
header values are percent-encoded as the HTTP binding's §3.1.3.2 says.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from spawn.bus import codec
from spawn.bus.jetstream import MESSAGE_ID
from spawn.contracts.events import Data, Event
from spawn.contracts.ids import ArrayId, is_array_id
from spawn.errors import Rejected

CONTENT_TYPE = "application/json"
_VERSION = "1.0"
_PREFIX = ("spawn", "evt")
_TOKENS = 5
_TO_ENCODE = re.compile(r"[^\x21\x23\x24\x26-\x7e]")
"""Space, double quote, percent, and all that is not printable ASCII."""


def event_headers(event: Event) -> dict[str, str]:
    """Return the headers of an event, `Nats-Msg-Id` included."""
    attributes = {
        "ce-specversion": _VERSION,
        "ce-id": event.id,
        "ce-source": event.source,
        "ce-type": event.ce_type,
        "ce-subject": event.ce_subject,
        "ce-time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    headers = {name: percent_encode(value) for name, value in attributes.items()}
    return {**headers, "content-type": CONTENT_TYPE, MESSAGE_ID: headers["ce-id"]}


def decode_event(headers: Mapping[str, str], subject: str, body: bytes) -> Event:
    """Read an event; the array's id comes from the subject alone.

    Raises `Rejected` when the subject, an attribute or the body is not one of ours, or when they
    contradict each other.
    """
    array_id, name = _read_subject(subject)
    values = {key.lower(): percent_decode(value) for key, value in headers.items()}
    if values.get("ce-specversion") != _VERSION:
        raise Rejected("not a CloudEvent 1.0", field="ce-specversion", code="InvalidMessage")
    event = Event(
        id=_required(values, "ce-id"),
        array_id=array_id,
        source=_required(values, "ce-source"),
        time=_instant(_required(values, "ce-time")),
        data=_decode_data(body),
    )
    if event.name != name or values.get("ce-type") != event.ce_type:
        raise Rejected(
            f"{event.name} does not belong on {name}", field="ce-type", code="InvalidMessage"
        )
    return event


def percent_encode(value: str) -> str:
    """Encode what may not stand in a header value."""
    return _TO_ENCODE.sub(_encode_match, value)


def percent_decode(value: str) -> str:
    """Decode a header value; bytes that are not UTF-8 become U+FFFD."""
    return unquote(value, errors="replace")


def _encode_match(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode(errors="replace"))


def _read_subject(subject: str) -> tuple[ArrayId, str]:
    tokens = subject.split(".")
    if len(tokens) != _TOKENS or tuple(tokens[:2]) != _PREFIX or not is_array_id(tokens[2]):
        raise Rejected("not the subject of an event", field="subject", code="InvalidMessage")
    return ArrayId(tokens[2]), f"{tokens[3]}.{tokens[4]}"


def _decode_data(body: bytes) -> Data:
    kind: Any = Data
    return codec.decode(body, kind)


def _required(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "")
    if not value:
        raise Rejected(f"{name} is missing", field=name, code="InvalidMessage")
    return value


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Rejected("not an instant", field="ce-time", code="InvalidMessage")
    return instant.astimezone(UTC)
