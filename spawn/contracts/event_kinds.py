"""What events have in common, whatever they say."""

import msgspec


class EventData(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Base of what an event says."""


class MemberEvent(EventData, frozen=True, kw_only=True):
    """Base of what is said of one member."""

    rank: int
    generation: int


def event_name(kind: type[EventData]) -> str:
    """Return the noun and the verb of a kind of event."""
    return str(kind.__struct_config__.tag)
