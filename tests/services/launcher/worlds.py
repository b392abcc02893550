"""A launcher's world on fakes, without anything that runs by itself."""

import hashlib
from dataclasses import dataclass, field

from services.launcher.config import Settings
from services.launcher.ports import Agent, Stores, World
from spawn.bus.ports import Entry
from spawn.contracts import arrays, hostnames, launches, lease_records, members, notices
from spawn.contracts.arrays import Array, DeploymentMark, NameClaim
from spawn.contracts.grants import API_ENSURE, Grant
from spawn.contracts.launches import JobSpec
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.members import Member, member_key
from tests.fakes.aws import FakeAws
from tests.fakes.bus import FakeBus, FakeEvents, FakeFences, FakeRequests, FakeStore, FakeTells
from tests.fakes.clock import VirtualClock

CONTENT = b"the agent"
AGENT = Agent(
    content=CONTENT,
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    template="#!/bin/bash\narray=@ARRAY_ID@ ranks=@RANKS@ agent=@AGENT_URL@\n",
    bus_url="tls://bus.example.org:4222",
    bus_fingerprint="f" * 64,
)
GRANT = Grant(hash="0" * 64, role="spawn-none", profile="spawn-none", path="/spawn/test/")


async def _one() -> int:
    return 1


@dataclass
class Fakes:
    """What a world stands on, for tests to look at; `world` makes one more replica."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    bus: FakeBus = field(default_factory=FakeBus)
    requests: FakeRequests = field(default_factory=lambda: FakeRequests({API_ENSURE: GRANT}))

    def __post_init__(self) -> None:
        self.aws = FakeAws(self.clock)

    def world(self, name: str = "a", *, agent: Agent | None = AGENT) -> World:
        """Make the world of a replica that has read nothing yet."""
        return World(
            settings=Settings(),
            deployment="test",
            clock=self.clock,
            stores=Stores(
                arrays=FakeStore(self.bus, arrays.BUCKET, Array),
                names=FakeStore(self.bus, arrays.BUCKET, NameClaim),
                marks=FakeStore(self.bus, arrays.BUCKET, DeploymentMark),
                members=FakeStore(self.bus, members.BUCKET, Member),
                specs=FakeStore(self.bus, launches.SPECS_BUCKET, JobSpec),
                hostnames=FakeStore(self.bus, hostnames.BUCKET, hostnames.Hostnames),
                leases=FakeStore(self.bus, lease_records.BUCKET, LeaseRecord),
                notices=FakeStore(self.bus, notices.BUCKET, notices.Notice),
            ),
            events=FakeEvents(self.bus),
            fences=FakeFences(self.bus, holder=name),
            tells=FakeTells(self.bus),
            requests=self.requests,
            aws=self.aws,
            agent=agent,
            count_replicas=_one,
        )


async def record(world: World, array: Array, *held: Member) -> None:
    """Write the records of a new array, which this replica then knows."""
    revision = await world.stores.arrays.create(array.id, array)
    world.fleet.note_array(Entry(array.id, array, revision))
    for member in held:
        await record_member(world, member)


async def record_member(world: World, member: Member) -> None:
    """Write the record of a new member, which this replica then knows."""
    key = member_key(member.array_id, member.rank)
    world.fleet.note_member(Entry(key, member, await world.stores.members.create(key, member)))
