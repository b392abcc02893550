"""What the DNS service needs from outside, as types, and the world that bundles it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from services.dns.config import Settings
from services.dns.memory import Memory
from services.dns.model import Naming
from spawn.bus.ports import EventsPort, FencesPort, StorePort
from spawn.clock import Clock
from spawn.contracts.arrays import Array, DeploymentMark
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.members import Member
from spawn.contracts.zones import BatchLimits, Change, Record


class ZonePort(Protocol):
    """One zone's records at and below a base. Every method raises an `Outcome`."""

    @property
    def limits(self) -> BatchLimits:
        """What one atomic change may hold."""
        ...

    @property
    def spreads_within(self) -> timedelta:
        """How long after a change to ask for the first time whether it is everywhere."""
        ...

    async def records(self) -> tuple[Record, ...]:
        """Return every record at or below the base, ours and others'."""
        ...

    async def change(self, changes: tuple[Change, ...]) -> str:
        """Make all changes at once, or none; return by what their progress is asked for.

        Raises `Conflict` when the zone is not as a change says that it is before, `Rejected` for
        what it never takes, `Transient` when it may have been made or not.
        """
        ...

    async def is_everywhere(self, change_id: str) -> bool:
        """Say whether all name servers of the zone answer with a change; unknown ones do."""
        ...


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The service's own records, and the launcher's that it reads."""

    hostnames: StorePort[Hostnames]
    arrays: StorePort[Array]
    members: StorePort[Member]
    marks: StorePort[DeploymentMark]


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a handler may touch. Without a `zone` nothing is named."""

    settings: Settings
    deployment: str
    clock: Clock
    stores: Stores
    events: EventsPort
    fences: FencesPort
    zone: ZonePort | None
    naming: Naming
    memory: Memory = field(default_factory=Memory)
