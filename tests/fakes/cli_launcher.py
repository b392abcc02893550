"""A launcher that makes arrays of nothing, heard and seen on a real bus as the real one is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.consume import Consumer, Delivery, consume
from spawn.bus.endpoints import Endpoint, serving
from spawn.bus.message import Message
from spawn.bus.publish import Events
from spawn.bus.stores import Store
from spawn.bus.streams import COMMANDS
from spawn.contracts import arrays, events, members
from spawn.contracts.arrays import Array, ArrayState, DeploymentMark
from spawn.contracts.clouds import API_CLOUD, CloudReport, CloudRequest
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import (
    API_COLLECT,
    API_PLAN,
    SUBJECT_LAUNCH,
    CollectReport,
    CollectRequest,
    Finding,
    Launch,
    LaunchPlan,
    LaunchSpec,
    PlannedChunk,
    Terminate,
)
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member, MemberState, member_key
from spawn.contracts.pools import Refusal
from spawn.contracts.power import SUBJECT_POWER, Power
from tests.fakes.cli_records import DEPLOYMENT, NOON, POOL, accepted, array_of, instance_of


class FakeLauncher:
    """`holds`: accepts and then does nothing; `fails`: ends the launch with this reason.

    `taken`: rejects commands; `refuses`: rejects the array once it is accepted; `silence`: why
    the cloud does not answer.
    """

    def __init__(self, bus: Bus) -> None:
        self._arrays = Store(bus, arrays.BUCKET, Array)
        self._members = Store(bus, members.BUCKET, Member)
        self._marks = Store(bus, arrays.BUCKET, DeploymentMark)
        self._events = Events(bus)
        self._bus = bus
        self._version = 0
        self.launches: list[Launch] = []
        self.terminations: list[Terminate] = []
        self.powers: list[Power] = []
        self.settled: dict[str, str] = {}
        self.accepted = asyncio.Event()
        self.holds = False
        self.fails = ""
        self.taken = ""
        self.refuses = ""
        self.silence = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["FakeLauncher"]:
        stop = asyncio.Event()
        consumer = Consumer(stream=COMMANDS, durable="launcher", filters=("spawn.cmd.>",), slots=1)
        endpoints = (
            Endpoint(name="plan", subject=API_PLAN, answer=self._plan),
            Endpoint(name="collect", subject=API_COLLECT, answer=self._collect),
            Endpoint(name="cloud", subject=API_CLOUD, answer=self._cloud),
        )
        await self._marks.create(arrays.MARK_KEY, DeploymentMark(DEPLOYMENT))
        async with (
            serving(self._bus, "launcher", endpoints, replica="one"),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(consume(self._bus, consumer, self._handle, stop=stop))
            try:
                yield self
            finally:
                stop.set()

    async def tell(self, array: ArrayId, data: events.Data) -> None:
        """Publish one event."""
        self._version += 1
        await self._events.publish(
            events.Event(
                id=events.event_id(array, data, self._version),
                array_id=array,
                source=f"/spawn/{DEPLOYMENT}/launcher",
                time=NOON,
                data=data,
            )
        )

    async def _handle(self, delivery: Delivery) -> None:
        message = delivery.message
        if message.subject == SUBJECT_LAUNCH:
            await self._launch(codec.decode(message.data, Launch))
        elif message.subject == SUBJECT_POWER:
            await self._power(codec.decode(message.data, Power))
        else:
            await self._terminate(codec.decode(message.data, Terminate))

    async def _launch(self, launch: Launch) -> None:
        self.launches.append(launch)
        array = array_of(launch)
        if self.taken or array.id in await self._arrays.load("*"):
            await self._reject(launch, array.id)
            return
        await self._arrays.create(array.id, array)
        await self.tell(array.id, accepted(array))
        self.accepted.set()
        if self.holds:
            return
        if self.refuses:
            await self.refuse(array)
            return
        await self.tell(array.id, events.ArrayLaunching(pools=(POOL,), chunks=1, reason="first"))
        if self.fails:
            await self._fail(array)
        else:
            await self.ready(array)

    async def _reject(self, launch: Launch, array: ArrayId) -> None:
        message = self.taken or "count: this request made it with another"
        await self.tell(
            array,
            events.ArrayRejected(
                request_id=launch.request_id,
                name=launch.spec.name,
                code="taken",
                message=message,
                field="name" if self.taken else "count",
            ),
        )

    async def refuse(self, array: Array) -> None:
        """Reject an array that was accepted, as when AWS doesn't know its image."""
        await self._write(array.id, ArrayState.REJECTED, self.refuses)
        await self.tell(
            array.id,
            events.ArrayRejected(
                request_id=array.request_id,
                name=array.name,
                code="unknown",
                message=self.refuses,
                field="ami",
            ),
        )

    async def ready(self, array: Array) -> None:
        """Let every member run."""
        for rank in range(array.size):
            instance = instance_of(rank)
            member = Member(
                array_id=array.id,
                rank=rank,
                state=MemberState.RUNNING,
                instance=instance,
                changed_at=NOON,
            )
            await self._members.create(member_key(array.id, rank), member)
            await self.tell(
                array.id, events.InstanceLaunched(rank=rank, generation=0, instance=instance)
            )
            await self.tell(
                array.id, events.InstanceRunning(rank=rank, generation=0, instance=instance)
            )
        await self._write(array.id, ArrayState.READY)
        calls = {"RunInstances": 1, "DescribeInstances": 2}
        await self.tell(
            array.id,
            events.ArrayReady(size=array.size, ready=array.size, seconds=1.5, api_calls=calls),
        )

    async def _fail(self, array: Array) -> None:
        await self._write(array.id, ArrayState.FAILED)
        refusal = Refusal(POOL, "InsufficientInstanceCapacity", "none left", array.size, 0)
        await self.tell(
            array.id,
            events.ArrayFailed(code="capacity", reason=self.fails, refusals=(refusal,)),
        )

    async def _power(self, command: Power) -> None:
        """Refuse it, or say that it is recorded and, unless held, how it was `settled`."""
        self.powers.append(command)
        request_id, to = command.request_id, command.to
        if self.refuses:
            refusal = events.PowerRefused(request_id=request_id, code="no", message=self.refuses)
            await self.tell(command.array_id, refusal)
            return
        ranks = command.ranks or "0-2"
        await self.tell(
            command.array_id, events.PowerAsked(request_id=request_id, to=to, ranks=ranks)
        )
        if not self.holds:
            said = events.PowerSettled(request_id=request_id, to=to, ranks=ranks)
            changed = msgspec.structs.replace(said, **self.settled)
            await self.tell(command.array_id, changed)

    async def _terminate(self, command: Terminate) -> None:
        self.terminations.append(command)
        array = command.array_id
        await self._write(array, ArrayState.TERMINATING)
        if self.holds:
            return
        for entry in (await self._members.load(f"{array}.*")).values():
            member = entry.value
            await self.tell(
                array,
                events.InstanceTerminated(
                    rank=member.rank, generation=0, instance=member.instance
                ),
            )
        await self._write(array, ArrayState.TERMINATED)
        await self.tell(array, events.ArrayTerminated(reason=command.reason))

    async def _write(self, array: ArrayId, state: ArrayState, reason: str = "") -> None:
        entry = await self._arrays.get(array)
        changed = msgspec.structs.replace(entry.value, state=state, reason=reason)
        await self._arrays.update(array, changed, entry.revision)

    async def _plan(self, message: Message) -> bytes:
        spec = codec.decode(message.data, LaunchSpec)
        return codec.encode(
            LaunchPlan(
                name=spec.name,
                size=spec.count,
                min_count=spec.min_count or spec.count,
                region=spec.region,
                image_id="ami-0123abcd",
                pools=(POOL,),
                chunks=(PlannedChunk(ranks=f"0-{spec.count - 1}", pool=POOL),),
                calls={"RunInstances": 1},
                user_data_bytes=512,
                lease=Lease(NOON + timedelta(hours=8)),
                expected_seconds=max(0.0, (spec.count - 1000) / 2),
            )
        )

    async def _cloud(self, message: Message) -> bytes:
        array_id = codec.decode(message.data, CloudRequest).array_id
        report = CloudReport(
            region=(await self._arrays.get(array_id)).value.region,
            answers=not self.silence,
            seen_at=NOON,
            reason=self.silence,
        )
        return codec.encode(report)

    async def _collect(self, message: Message) -> bytes:
        request = codec.decode(message.data, CollectRequest)
        finding = Finding(
            instance_id=InstanceId("i-0123abcd"),
            region="us-east-1",
            array_id="gone-abcdefghijkl",
            verdict="end",
            reason="its array is terminated",
        )
        return codec.encode(CollectReport(findings=(finding,), acted=not request.dry_run))
