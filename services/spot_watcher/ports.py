"""What the spot watcher needs from outside, as types, and the world that bundles it."""

from dataclasses import dataclass, field
from typing import Protocol

from services.spot_watcher.config import Settings
from services.spot_watcher.memory import Memory
from spawn.aws.queue_ports import EventBridgePort, SqsPort
from spawn.bus.ports import CommandsPort, EventsPort, FencesPort, StorePort, TellsPort
from spawn.clock import Clock
from spawn.contracts.arrays import Array
from spawn.contracts.members import Member
from spawn.contracts.notices import Notice


class QueuesPort(Protocol):
    """The part of AWS that the service uses."""

    def sqs(self, region: str) -> SqsPort:
        """Return Simple Queue Service in a region."""
        ...

    def eventbridge(self, region: str) -> EventBridgePort:
        """Return EventBridge in a region."""
        ...


class DeadPort(Protocol):
    """Where messages are put aside that nobody can handle."""

    async def bury(self, queue: str, body: str, *, reason: str, message_id: str) -> None:
        """Keep a message of a queue as a dead letter; the same id is kept once."""
        ...


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The service's own records, and the launcher's that it reads."""

    notices: StorePort[Notice]
    arrays: StorePort[Array]
    members: StorePort[Member]


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a handler may touch. `region` is the control plane's own, or empty."""

    settings: Settings
    deployment: str
    region: str
    clock: Clock
    stores: Stores
    events: EventsPort
    tells: TellsPort
    commands: CommandsPort
    fences: FencesPort
    dead: DeadPort
    aws: QueuesPort
    memory: Memory = field(default_factory=Memory)
