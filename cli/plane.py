"""The control plane as commands see it: records to read, events to follow, commands to send."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import msgspec

from cli.lookup import find_array
from cli.places import Place, find_place
from spawn.bus import follow as following
from spawn.bus.connection import Bus, connect
from spawn.bus.logs import Logged, follow_output
from spawn.bus.ordered import Source
from spawn.bus.ports import CaughtUp, Followed, Reported, Restarted
from spawn.bus.publish import Commands
from spawn.bus.requests import Requests, count_replicas
from spawn.bus.said import (
    follow_exec,
    follow_heartbeats,
    last_exits,
    last_lost_checkpoints,
)
from spawn.bus.settings import BusSettings
from spawn.bus.stores import Store
from spawn.clock import Clock, SystemClock
from spawn.contracts import arrays, grants, lease_records, members
from spawn.contracts.arrays import Array, DeploymentMark
from spawn.contracts.clouds import API_CLOUD, CloudReport, CloudRequest
from spawn.contracts.events import SUBJECTS
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.members import Member
from spawn.contracts.prices import API_COST, CostRequest, Estimate
from spawn.contracts.reports import CheckpointLost, ExecOutput, Heartbeat, JobExited
from spawn.errors import Cause, NotFound, Rejected, Transient
from spawn.runtime.settings import load
from spawn.telemetry.log import configure

_ANSWER_WITHIN = timedelta(seconds=30)
"""A plan or a sweep may wait for its turn at AWS before it answers."""

_LOOKED_WITHIN = timedelta(seconds=6)
"""How long a launcher may take to find out that the cloud does not answer."""

_SLOW_WITHIN = timedelta(minutes=5)
"""IAM takes some five calls a second, and to delete a role takes five."""

_HEARD_WITHIN = timedelta(seconds=3)
"""How long a launcher that is busy may take to say that it is there."""


class Plane:
    """An open connection and what commands do with it."""

    def __init__(self, bus: Bus, place: Place, clock: Clock) -> None:
        self._bus = bus
        self._place = place
        self.clock = clock
        self.arrays = Store(bus, arrays.BUCKET, Array)
        self.members = Store(bus, members.BUCKET, Member)
        self.grants = Store(bus, grants.BUCKET, grants.Grant)
        self.leases = Store(bus, lease_records.BUCKET, LeaseRecord)
        self.commands = Commands(bus)
        self.requests = Requests(bus, within=_ANSWER_WITHIN)
        self.slow_requests = Requests(bus, within=_SLOW_WITHIN)

    async def deployment(self) -> str:
        """Return whose bus this is; raise `Rejected` when nothing says so."""
        if self._place.deployment:
            return self._place.deployment
        try:
            mark = await Store(self._bus, arrays.BUCKET, DeploymentMark).get(arrays.MARK_KEY)
        except NotFound as error:
            raise Rejected(
                "this bus doesn't say which deployment it serves yet: set SPAWN_DEPLOYMENT,"
                " or start its launcher",
                field="SPAWN_DEPLOYMENT",
            ) from error
        return mark.value.deployment

    async def all_arrays(self) -> list[Array]:
        """Return the records of all arrays, ended ones that are still kept included."""
        return [entry.value for entry in (await self.arrays.load("*")).values()]

    async def find(self, text: str) -> Array:
        """Return the array with this name or id; raise `NotFound` with the nearest names."""
        return find_array(await self.all_arrays(), text)

    async def members_of(self, array: ArrayId) -> list[Member]:
        """Return the records of an array's members."""
        return [entry.value for entry in (await self.members.load(f"{array}.*")).values()]

    async def lease_of(self, array: ArrayId) -> LeaseRecord | None:
        """Return an array's lease as the TTL service has it; None while it has none."""
        try:
            return (await self.leases.get(array)).value
        except NotFound:
            return None

    def follow(
        self, array: ArrayId | None, *, from_first: bool
    ) -> AsyncGenerator[Followed | CaughtUp]:
        """Yield an array's events, or everybody's, in order; from the first or from now on."""
        subject = following.of_array(array) if array else SUBJECTS
        begin = following.from_first if from_first else following.from_now
        return following.follow(self._bus, begin(subject))

    def output(self, source: Source) -> AsyncGenerator[Logged | CaughtUp | Restarted]:
        """Yield blocks of jobs' output, in order for each rank."""
        return follow_output(self._bus, source)

    def answers(self, array: ArrayId, exec_id: str) -> AsyncGenerator[Reported[ExecOutput]]:
        """Yield what machines answer to an exec."""
        return follow_exec(self._bus, array, exec_id)

    def heartbeats(self, array: ArrayId) -> AsyncGenerator[Reported[Heartbeat]]:
        """Yield each machine's last heartbeat, and those that follow."""
        return follow_heartbeats(self._bus, array)

    async def exits_of(
        self, array: ArrayId, instances: Iterable[InstanceId]
    ) -> dict[InstanceId, JobExited]:
        """Return what machines reported of their job's end."""
        return await last_exits(self._bus, array, instances)

    async def lost_checkpoints_of(
        self, array: ArrayId, instances: Iterable[InstanceId]
    ) -> dict[InstanceId, CheckpointLost]:
        """Return what machines reported of checkpoints that failed."""
        return await last_lost_checkpoints(self._bus, array, instances)

    async def cloud_of(self, array: ArrayId) -> CloudReport | None:
        """Return how the cloud sees an array; None when there is no launcher to say so."""
        requests = Requests(self._bus, within=_LOOKED_WITHIN)
        try:
            return await requests.ask(API_CLOUD, CloudRequest(array_id=array), CloudReport)
        except Transient:
            return None

    async def cost_of(self, array: ArrayId) -> Estimate | None:
        """Return what an array's machines cost now; None when there is no launcher to say so."""
        requests = Requests(self._bus, within=_LOOKED_WITHIN)
        try:
            return await requests.ask(API_COST, CostRequest(array_id=array), Estimate)
        except (Transient, NotFound):
            return None

    async def has_launcher(self) -> bool:
        """Say whether a launcher answers."""
        return await count_replicas(self._bus, "launcher", within=_HEARD_WITHIN) > 0


@asynccontextmanager
async def open_plane() -> AsyncGenerator[Plane]:
    """Connect to the control plane; raise `Transient` saying how to start one."""
    configure("cli", level="CRITICAL", plain=True)
    place = find_place()
    clock = SystemClock()
    settings = msgspec.structs.replace(
        load(BusSettings), nats_url=place.bus.url, nats_creds=place.bus.creds
    )
    async with _connected(settings, clock) as bus:
        yield Plane(bus, place, clock)


@asynccontextmanager
async def _connected(settings: BusSettings, clock: Clock) -> AsyncGenerator[Bus]:
    async with AsyncExitStack() as stack:
        try:
            bus = await stack.enter_async_context(
                connect(settings, name="spawn-cli", patient=False, clock=clock)
            )
        except Transient as error:
            raise Transient(
                f"{error.message}; start a control plane with `spawn up --sandbox` (a cloud on"
                " this machine) or `spawn up` (AWS)",
                code=error.code,
                cause=Cause.UNREACHABLE,
            ) from error
        yield bus


def within(duration: timedelta | None) -> asyncio.Timeout:
    """Bound a block; unbounded without a duration. Raises `TimeoutError`."""
    return asyncio.timeout(duration.total_seconds() if duration else None)
