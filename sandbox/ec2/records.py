"""What the sandbox knows of each instance beside moto's model, indexed for Describe calls.

An index maps a filter's name and exact value to the records that have it, so that a call costs
what it returns, not what the region holds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType

from sandbox.behaviour import Market
from sandbox.ec2.states import PENDING, Reason, State

Disruption = Literal["terminate", "stop", "hibernate"]
InstanceId = NewType("InstanceId", str)
ReservationId = NewType("ReservationId", str)


@dataclass(frozen=True, slots=True)
class Pool:
    """Where capacity comes from."""

    market: Market
    instance_type: str
    zone: str


@dataclass(frozen=True, slots=True)
class Interruption:
    """What EC2 is about to do to a spot instance, and when; told from `shown_from` on."""

    action: Disruption
    at: datetime
    shown_from: float
    """Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Rebalance:
    """EC2 says that an interruption has become likelier; told from `shown_from` on."""

    at: datetime
    shown_from: float
    """Monotonic seconds."""


@dataclass(slots=True, eq=False)
class Record:
    """One instance; `model` is moto's."""

    model: Any
    id: InstanceId
    number: int
    """Position in order of launch: the key of paging."""
    reservation: ReservationId
    pool: Pool
    launched_at: datetime
    visible_from: float
    """Monotonic seconds; before that, Describe does not know the instance."""
    client_token: str = ""
    vpc_id: str = ""
    spot_request: str = ""
    profile_id: str = ""
    architecture: str = "x86_64"
    hibernates: bool = False
    one_time: bool = False
    """A one-time spot request: its instance can be ended, not stopped."""
    when_interrupted: Disruption = "terminate"
    interruption: Interruption | None = None
    rebalance: Rebalance | None = None
    state: State = State.PENDING
    transition_reason: str = ""
    state_reason: Reason | None = PENDING
    holds_capacity: bool = False
    generation: int = 0
    """Raised by each change of state: a timer of an older generation is void."""


@dataclass(slots=True)
class Records:
    """The instances of one account and region."""

    by_id: dict[InstanceId, Record] = field(default_factory=dict[InstanceId, Record])
    _index: defaultdict[tuple[str, str], dict[InstanceId, Record]] = field(
        default_factory=lambda: defaultdict[tuple[str, str], dict[InstanceId, Record]](dict)
    )

    def add(self, record: Record, *, tags: Mapping[str, str]) -> None:
        """Index a new instance with the tags that it was launched with."""
        self.by_id[record.id] = record
        for key in _fixed_keys(record):
            self._index[key][record.id] = record
        self._index["instance-state-name", record.state.value][record.id] = record
        for tag, value in tags.items():
            self.tag(record, tag, value)

    def remove(self, record: Record, *, tags: Mapping[str, str]) -> None:
        """Forget an instance."""
        del self.by_id[record.id]
        for tag, value in tags.items():
            self.untag(record, tag, value)
        keys = [*_fixed_keys(record), ("instance-state-name", record.state.value)]
        for key in keys:
            self._drop(key, record)

    def move(self, record: Record, state: State) -> None:
        """Put an instance into another state."""
        self._drop(("instance-state-name", record.state.value), record)
        record.state = state
        record.generation += 1
        self._index["instance-state-name", state.value][record.id] = record

    def tag(self, record: Record, key: str, value: str) -> None:
        """Index a tag; an old value of the key must have been removed before."""
        self._index[f"tag:{key}", value][record.id] = record
        self._index["tag-key", key][record.id] = record

    def untag(self, record: Record, key: str, value: str) -> None:
        """Remove a tag from the index."""
        self._drop((f"tag:{key}", value), record)
        self._drop(("tag-key", key), record)

    def having(self, name: str, values: Iterable[str]) -> dict[InstanceId, Record]:
        """Return the records whose indexed `name` has one of `values`, exactly."""
        found: dict[InstanceId, Record] = {}
        for value in values:
            found.update(self._index.get((name, value), {}))
        return found

    def count(self, name: str, values: Iterable[str]) -> int:
        """Return how many records `having` would return at most."""
        return sum(len(self._index.get((name, value), ())) for value in values)

    def _drop(self, key: tuple[str, str], record: Record) -> None:
        members = self._index.get(key)
        if members is None:
            return
        members.pop(record.id, None)
        if not members:
            del self._index[key]


INDEXED = frozenset({"instance-state-name", "client-token", "reservation-id", "tag-key"})
"""Filters that have an index, beside those that begin with `tag:`."""


def _fixed_keys(record: Record) -> list[tuple[str, str]]:
    keys = [("reservation-id", str(record.reservation))]
    if record.client_token:
        keys.append(("client-token", record.client_token))
    return keys
