"""What the IAM broker needs from outside, as types, and the world that bundles it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from services.iam_broker.config import Settings
from services.iam_broker.memory import Lookups, Memory, Roster
from services.iam_broker.model import ArrayUse
from spawn.aws.ports import AwsPort
from spawn.bus.callout import Judge
from spawn.bus.clients import Connected
from spawn.bus.ports import EventsPort, FencesPort, StorePort
from spawn.clock import Clock
from spawn.contracts.grants import Grant
from spawn.contracts.members import Member


class OncePort(Protocol):
    """Where names are claimed that may be used once."""

    async def claim(self, name: str, *, lasting: timedelta) -> bool:
        """Say whether the name was free; it is ours then."""
        ...


class ClientsPort(Protocol):
    """Who is connected to the bus."""

    async def connected(self) -> tuple[Connected, ...]:
        """Return everybody who is connected."""
        ...

    async def close(self, connected: Connected) -> None:
        """Close a connection; one that is gone already is no failure."""
        ...


Answering = Callable[[Judge], AbstractAsyncContextManager[None]]
"""Answers the server's question who may connect, for the length of the block."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The broker's own records, and the launcher's that it reads."""

    grants: StorePort[Grant]
    arrays: StorePort[ArrayUse]
    members: StorePort[Member]


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a handler may touch. `region` is where AWS is asked by default.

    `answering` and `clients` are None where the bus does not ask us, or does not obey us.
    """

    settings: Settings
    deployment: str
    region: str
    clock: Clock
    stores: Stores
    events: EventsPort
    fences: FencesPort
    aws: AwsPort
    once: OncePort
    answering: Answering | None
    clients: ClientsPort | None
    roster: Roster = field(default_factory=Roster)
    lookups: Lookups = field(default_factory=Lookups)
    memory: Memory = field(default_factory=Memory)
