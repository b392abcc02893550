"""Events as CloudEvents 1.0 in structured mode, as `spawn events --json` prints them."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from spawn.contracts.events import Data, Event


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).

    `traceparent` is the distributed tracing extension, left out where there is none.
    """

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    traceparent: str | msgspec.UnsetType = msgspec.UNSET
    data: Data


def structured(event: Event, headers: Mapping[str, str]) -> CloudEvent:
    """Write an event in structured mode."""
    return CloudEvent(
        id=event.id,
        source=event.source,
        type=event.ce_type,
        subject=event.ce_subject,
        time=event.time,
        traceparent=headers.get("traceparent") or msgspec.UNSET,
        data=event.data,
    )
