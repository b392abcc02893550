"""What all events have: a Struct each, whose tag is `<noun>.<verb>`."""

import msgspec


class EventData(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Base of what an event says."""


def event_name(kind: type[EventData]) -> str:
    """Return the noun and the verb of a kind of event."""
    return str(kind.__struct_config__.tag)
