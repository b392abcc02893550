"""What a random history of names is made of: few names, strangers' records, events that fail."""

from datetime import timedelta

from spawn.bus.ports import Receipt
from spawn.contracts.events import Event
from spawn.contracts.zones import BatchLimits
from spawn.errors import Transient
from tests.fakes.bus import FakeBus, FakeEvents

NAMES = ["a", "a-1", "b"]
REPLICAS = ["one", "two"]
QUIET = timedelta(minutes=6)
"""Longer than the time between two looks at the whole zone."""

FOREIGN = [
    ("a", "A"),
    ("a-0", "A"),
    ("a-1", "CNAME"),
    ("b", "AAAA"),
    ("b-7", "A"),
    ("_spawn.b", "TXT"),
    ("_spawn._tcp.a", "SRV"),
    ("www", "A"),
]
LETTERS = str.maketrans("01234567", "bcdefghi")
SMALL = BatchLimits(values=24, characters=6_000)
"""So that a few members need several changes."""


class FlakyEvents(FakeEvents):
    """Events that can't be published for a while."""

    def __init__(self, bus: FakeBus) -> None:
        super().__init__(bus)
        self.failures = 0

    async def publish(self, event: Event) -> Receipt:
        if self.failures:
            self.failures -= 1
            raise Transient("the bus is away")
        return await super().publish(event)
