"""What the TTL service needs from outside, as types, and the world that bundles it."""

from dataclasses import dataclass, field

from services.ttl.config import Settings
from services.ttl.memory import Ends
from spawn.bus.ports import (
    CommandsPort,
    EventsPort,
    FencesPort,
    HeartbeatsPort,
    SchedulesPort,
    StorePort,
    TellsPort,
)
from spawn.clock import Clock
from spawn.contracts.arrays import Array
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.members import Member


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The service's own records, and the launcher's that it reads."""

    leases: StorePort[LeaseRecord]
    arrays: StorePort[Array]
    members: StorePort[Member]


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a handler may touch."""

    settings: Settings
    deployment: str
    clock: Clock
    stores: Stores
    events: EventsPort
    commands: CommandsPort
    schedules: SchedulesPort
    fences: FencesPort
    heartbeats: HeartbeatsPort
    tells: TellsPort
    ends: Ends = field(default_factory=Ends)
