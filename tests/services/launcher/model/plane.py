"""A control plane of launchers on fakes: one bus and one cloud, replicas that come and go."""

import asyncio
import hashlib
from collections import deque
from datetime import timedelta
from itertools import count
from typing import Any, cast

import msgspec

from services.launcher.config import Settings
from services.launcher.ports import Agent, Stores, World
from spawn.bus.ports import Command
from spawn.contracts import arrays, hostnames, launches, lease_records, members, notices
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import Event
from spawn.contracts.grants import API_ENSURE, Grant
from spawn.contracts.ids import ArrayId, array_id
from spawn.contracts.launches import Launch, LaunchSpec, Terminate
from spawn.contracts.lease_records import Expire, LeaseRecord, Over
from spawn.contracts.members import Member
from spawn.contracts.power import Power, PowerTo
from spawn.errors import NotFound, Outcome
from tests.fakes.aws import FakeAws, FakeEc2
from tests.fakes.bus import FakeBus, FakeRequests, FakeStore, FakeTells
from tests.fakes.ec2 import REGION
from tests.fakes.warp import WarpClock, WarpLoop
from tests.services.launcher.model import power as supply
from tests.services.launcher.model.power import (
    Aws,
    Door,
    Line,
    MortalFences,
    WindowedEvents,
)
from tests.services.launcher.model.replica import Body, Replica

DEPLOYMENT = "test"
OWNER = "cli"
TTL = timedelta(hours=2)
FENCE_TTL = 5.0
DUPLICATE_WINDOW = 1800.0
BUS_LATENCY, AWS_LATENCY = 0.002, 0.2

SETTINGS = Settings(
    regions=(REGION,),
    chunk_size=2,
    default_ttl=TTL,
    default_instance_type="m7i.large",
    pending_poll=timedelta(seconds=2),
)

AGENT = Agent(
    content=b"the agent",
    sha256=hashlib.sha256(b"the agent").hexdigest(),
    template="#!/bin/bash\narray=@ARRAY_ID@ ranks=@RANKS@ agent=@AGENT_URL@\n",
    bus_url="tls://bus.example.org:4222",
    bus_fingerprint="f" * 64,
)
GRANT = Grant(hash="0" * 64, role="spawn-none", profile="spawn-none", path="/spawn/test/")


class Plane:
    """The bus, the cloud and the replicas."""

    def __init__(self) -> None:
        self.loop = WarpLoop()
        self.clock = WarpClock(self.loop)
        self.bus, self.aws = FakeBus(), FakeAws(self.clock)
        self.replicas: list[Replica] = []
        self.failures: list[Exception] = []
        self.done: set[str] = set()
        self.refused: dict[str, Outcome] = {}
        self._inbox: deque[Command[Any]] = deque()
        self._sent = asyncio.Event()
        self.line = Line()
        self.deaths: list[float] = []
        self.events = WindowedEvents(self.bus, self.clock, window=DUPLICATE_WINDOW)
        self.requests = FakeRequests({API_ENSURE: GRANT})
        self._numbers = count(1)

    @property
    def ec2(self) -> FakeEc2:
        return self.aws.ec2(REGION)

    def world(self, power: supply.Power, holder: str) -> World:
        """Make what one replica sees of it."""

        def store(bucket: str, kind: type[Any]) -> Any:
            return Door(
                FakeStore(self.bus, bucket, kind), power, latency=BUS_LATENCY, line=self.line
            )

        async def one() -> int:
            return 1

        fences = MortalFences(self.bus, power, holder=holder, ttl=FENCE_TTL)
        return World(
            settings=SETTINGS,
            deployment=DEPLOYMENT,
            clock=self.clock,
            stores=Stores(
                arrays=store(arrays.BUCKET, Array),
                names=store(arrays.BUCKET, arrays.NameClaim),
                marks=store(arrays.BUCKET, arrays.DeploymentMark),
                members=store(members.BUCKET, Member),
                specs=store(launches.SPECS_BUCKET, launches.JobSpec),
                hostnames=store(hostnames.BUCKET, hostnames.Hostnames),
                leases=store(lease_records.BUCKET, lease_records.LeaseRecord),
                notices=store(notices.BUCKET, notices.Notice),
            ),
            events=cast("Any", Door(self.events, power, latency=BUS_LATENCY, line=self.line)),
            fences=fences,
            tells=cast("Any", Door(FakeTells(self.bus), power, latency=BUS_LATENCY)),
            requests=cast("Any", Door(self.requests, power, latency=BUS_LATENCY)),
            agent=AGENT,
            aws=cast("Any", Aws(self.aws, power, latency=AWS_LATENCY)),
            count_replicas=one,
        )

    def start(self, name: str = "a") -> Replica:
        """Start a replica."""
        replica = Replica(self, name)
        self.replicas.append(replica)
        return replica

    def kill(self, replica: Replica) -> None:
        """Kill a replica between two of its calls."""
        replica.power.died.set()
        self.run(0.0)

    def living(self) -> list[Replica]:
        """Return the replicas that run."""
        return [each for each in self.replicas if each.power.is_on]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_for(timedelta(seconds=seconds))
        for replica in self.replicas:
            if replica.task.done():
                replica.task.result()

    def launch(self, request_id: str = "r1", **spec: Any) -> ArrayId:
        """Send a launch; the same request id makes the same array."""
        wanted = msgspec.structs.replace(LaunchSpec(name="train", region=REGION), **spec)
        self._send(Launch(request_id=request_id, spec=wanted), f"launch-{request_id}")
        return array_id(
            deployment=DEPLOYMENT, owner=OWNER, request_id=request_id, name=wanted.name
        )

    def terminate(self, array: ArrayId, *, reason: str = "") -> str:
        """Send a terminate; return the id of the message."""
        message = f"terminate-{array}-{next(self._numbers)}"
        self._send(Terminate(array_id=array, reason=reason), message)
        return message

    def power(self, array: ArrayId, to: PowerTo, *, ranks: str = "") -> str:
        """Ask for a stop or a start; return the id of the request."""
        request_id = f"power-{next(self._numbers)}"
        body = Power(request_id=request_id, array_id=array, to=to, ranks=ranks)
        self._send(body, request_id)
        return request_id

    def expire(self, *overs: Over) -> None:
        """Name leases that are over."""
        self._send(Expire(leases=overs), f"expire-{next(self._numbers)}")

    def write_lease(self, record: LeaseRecord) -> None:
        """Write a lease as the TTL service does."""
        self.loop.run_until_complete(self._write_lease(record))

    async def _write_lease(self, record: LeaseRecord) -> None:
        store = FakeStore(self.bus, lease_records.BUCKET, LeaseRecord)
        try:
            await store.update(record.key, record, (await store.get(record.key)).revision)
        except NotFound:
            await store.create(record.key, record)

    def array(self, array: ArrayId) -> Array | None:
        """Return the record."""
        found = self._decoded(arrays.BUCKET, Array)
        return found.get(array)

    def all_arrays(self) -> list[Array]:
        """Return every array's record."""
        return list(self._decoded(arrays.BUCKET, Array).values())

    def members(self, array: ArrayId) -> list[Member]:
        """Return the records of an array's members by rank."""
        found = self._decoded(members.BUCKET, Member).values()
        return sorted((each for each in found if each.array_id == array), key=lambda m: m.rank)

    def state(self, array: ArrayId) -> ArrayState | None:
        """Return the state, None where there is no record."""
        record = self.array(array)
        return record.state if record else None

    def told(self, array: ArrayId) -> list[Event]:
        """Return the array's events in the order in which they came."""
        return [each for each in self.bus.events if each.array_id == array]

    async def next_command(self) -> Command[Any]:
        """Take the next command; whoever takes one settles it or brings it back."""
        while not self._inbox:
            self._sent.clear()
            await self._sent.wait()
        return self._inbox.popleft()

    def again(self, command: Command[Any], *, after: float) -> None:
        """Deliver a command again."""
        self.loop.call_later(after, self._put, command)

    def close(self) -> None:
        """Kill all replicas and close the loop."""
        for replica in self.replicas:
            replica.power.died.set()
        self.run(0.0)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _send(self, body: Body, message_id: str) -> None:
        self._put(
            Command(
                body=body,
                subject="spawn.cmd.launcher",
                owner=OWNER,
                message_id=message_id,
                delivered=1,
                sent_at=self.clock.now(),
            )
        )

    def _put(self, command: Command[Any]) -> None:
        self._inbox.append(command)
        self._sent.set()

    def _decoded(self, bucket: str, kind: type[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, record in self.bus.buckets[bucket].records.items():
            if record.data is not None and not key.startswith(("name.", "mark.")):
                found[key] = msgspec.json.decode(record.data, type=kind)
        return found
