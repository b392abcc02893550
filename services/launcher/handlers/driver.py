"""One array under way: what its records ask for is done, step by step."""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, assert_never

import msgspec

from services.launcher.apply.calls import open_next, send, trace
from services.launcher.apply.instances import cancel_left, end_instances, tag_lease
from services.launcher.apply.records import SETTLING, publish_left_over, write_array
from services.launcher.apply.release import release
from services.launcher.apply.telling import tell_all, write_and_tell
from services.launcher.handlers.looking_up import look_up
from services.launcher.handlers.measuring import Measuring
from services.launcher.handlers.power import Powering
from services.launcher.model import (
    End,
    Gather,
    LookUp,
    Nudge,
    Place,
    Release,
    Resend,
    SetPower,
    Step,
    Tag,
    Trace,
    View,
    Write,
    WriteMembers,
)
from services.launcher.plan.drive import is_at_rest, is_settled, next_steps
from services.launcher.plan.settlement import drop_chunk, give_up
from services.launcher.ports import World
from spawn.bus.ports import Fence
from spawn.clock import wait_event
from spawn.contracts.arrays import Array, Chunk, Intent
from spawn.contracts.assignments import Tell, tell_subject
from spawn.contracts.ids import ArrayId, ClientToken, InstanceId
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Conflict, NotFound, Rejected, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_Running = dict[Any, asyncio.Task[None]]
_Change = Nudge | Tag | Release | Gather | SetPower | WriteMembers

POLL = timedelta(seconds=2)
"""How often an array that waits for something is looked at again without a reason."""

_LARGE = 500
_GATHER = timedelta(microseconds=20)
"""Per member of an array of more than `_LARGE`, the time in which its news are gathered: each
look goes over all members, so one for each change would cost the square of their number."""

_ASK_AGAIN = timedelta(seconds=30)
"""How long an instance that was asked to end may go on before it is asked again."""


class Driver:
    """One array under way: its records are the truth, this only knows what it has started."""

    def __init__(self, world: World, array_id: ArrayId, group: asyncio.TaskGroup) -> None:
        self._world = world
        self._array_id = array_id
        self._group = group
        self._placing: dict[int, asyncio.Task[None]] = {}
        self._sending: dict[ClientToken, asyncio.Task[None]] = {}
        self._ended: dict[InstanceId, datetime] = {}
        self._tagged: datetime | None = None
        self._measuring = Measuring()
        self._powering = Powering(world)
        self._gathering_since: datetime | None = None
        self._released: set[InstanceId] = set()

    async def run(self, fence: Fence, changed: asyncio.Event) -> None:
        """Do what is next until the array is at rest or another replica takes over."""
        while not fence.is_lost:
            changed.clear()
            view = self._view()
            if view is None:
                break
            self._measuring.note(view)
            steps = next_steps(view)
            for step in steps:
                _log.info("step", kind=type(step).__name__, reason=step.reason)
                await self._apply(step, view)
            if not steps and is_settled(view) and self._is_idle():
                await self._rest(view.array)
                break
            await wait_event(changed, self._note_gathering(steps, view.now))
            if view.array.size > _LARGE:
                await self._world.clock.sleep(_GATHER * view.array.size)
        for task in (*self._placing.values(), *self._sending.values()):
            task.cancel()

    def _is_idle(self) -> bool:
        return not self._sending and not self._world.fleet.is_succeeding(self._array_id)

    def _note_gathering(self, steps: Iterable[Step], now: datetime) -> timedelta:
        """Remember since when losses are gathered; return how long to wait for a change."""
        until = next((step.until for step in steps if isinstance(step, Gather)), None)
        if until is None:
            self._gathering_since = None
            return POLL
        self._gathering_since = self._gathering_since or now
        return max(until - now, timedelta(0))

    def _view(self) -> View | None:
        entry = self._world.fleet.array(self._array_id)
        if entry is None:
            return None
        now = self._world.clock.now()
        asked = {id_ for id_, at in self._ended.items() if now - at < _ASK_AGAIN}
        return View(
            array=entry.value,
            members=self._world.fleet.members(self._array_id),
            now=now,
            placing=frozenset(self._placing),
            sending=frozenset(self._sending),
            ending=frozenset(asked),
            calls=self._world.memory.calls[self._array_id],
            told=self._world.memory.told.get(self._array_id, -1),
            hostnames=self._world.fleet.hostnames(self._array_id),
            lease=self._world.fleet.lease(self._array_id),
            own_leases=self._world.fleet.own_leases(self._array_id),
            powered=self._powering.asked(now),
            unpowered=self._world.memory.refused(now),
            may_tag=self._tagged is None or now - self._tagged >= _ASK_AGAIN,
            notices=self._world.fleet.notices(self._array_id),
            gathering_since=self._gathering_since,
            released=frozenset(self._released),
        )

    async def _rest(self, array: Array) -> None:
        if array.state.is_over:
            await release(self._world, array)

    async def _apply(self, step: Step, view: View) -> None:
        match step:
            case LookUp():
                await self._look_up(view)
            case Place(chunk=chunk):
                self._start(self._placing, chunk.number, self._place(chunk))
            case Resend(intent=intent):
                self._start(self._sending, intent.token, self._resend(intent))
            case Trace(intent=intent):
                self._stop_placing()
                tracing = trace(self._world, self._array_id, intent)
                self._start(self._sending, intent.token, tracing)
            case End(instance_ids=ids):
                await self._end(view.array, ids)
            case Nudge() | Tag() | Release() | Gather() | SetPower() | WriteMembers():
                await self._change(step, view.array)
            case Write(array=array):
                await self._write(view.array, array)
            case _:
                assert_never(step)

    async def _change(self, step: _Change, array: Array) -> None:
        match step:
            case SetPower():
                await self._powering.apply(step, array)
            case WriteMembers(changes=changes):
                await write_and_tell(self._world, changes)
            case Nudge(revision=revision):
                await tell_all(self._world, self._array_id, "peers")
                self._world.memory.told[self._array_id] = revision
            case Release(instance_id=instance_id):
                subject = tell_subject(self._array_id, instance_id)
                await self._world.tells.tell(subject, Tell(what="assignment"))
                self._released.add(instance_id)
            case Tag():
                self._tagged = self._world.clock.now()
                if await tag_lease(self._world, array, step):
                    self._tagged = None
            case Gather():
                # The wait for the next change is as long as the gathering.
                pass

    async def _look_up(self, view: View) -> None:
        after = await look_up(self._world, view)
        if after is not None:
            await self._write(view.array, after)

    async def _place(self, chunk: Chunk) -> None:
        try:
            intent = await open_next(self._world, self._array_id, chunk)
        except Conflict:
            return
        except Rejected as refusal:
            await self._give_up(chunk, refusal)
            return
        if intent is not None:
            self._placing.pop(chunk.number)
            self._start(self._sending, intent.token, send(self._world, self._array_id, intent))

    async def _give_up(self, chunk: Chunk, refusal: Rejected) -> None:
        now = self._world.clock.now()

        def change(array: Array) -> Array:
            if chunk.is_succession:
                # What the others do goes on without a successor.
                return drop_chunk(array, chunk, now=now)
            return give_up(array, refusal.code, refusal.message, now=now)

        await write_array(self._world, self._array_id, change)

    async def _resend(self, intent: Intent) -> None:
        pacer = self._world.aws.ec2(intent.request.region).pacer
        count = len(parse_ranks(intent.chunk.ranks))
        await pacer.take("RunInstances", instances=count, key=self._array_id)
        await send(self._world, self._array_id, intent, is_new=False)

    async def _end(self, array: Array, ids: tuple[InstanceId, ...]) -> None:
        if array.ending is not None:
            self._stop_placing()
        try:
            await end_instances(self._world, array, ids)
        except (Transient, NotFound) as delay:
            _log.info("end again", why=delay.message)
            return
        self._ended.update(dict.fromkeys(ids, self._world.clock.now()))

    async def _write(self, before: Array, after: Array) -> None:
        if after.state.is_over:
            # Nobody drives it any more once that is written: what fails is tried again before.
            await cancel_left(self._world, after)
        if is_at_rest(after):
            # What members' writers left unpublished comes before the event that sums it up.
            await publish_left_over(self._world, self._array_id)
            until = self._world.clock.now() - SETTLING
            after = msgspec.structs.replace(after, published_until=until)
        written = await write_array(
            self._world,
            self._array_id,
            lambda current: after if current.version == before.version else current,
        )
        if written is not after:
            return
        if after.lease != before.lease:
            await tell_all(self._world, self._array_id, "assignment")

    def _stop_placing(self) -> None:
        for task in self._placing.values():
            task.cancel()

    def _start(self, running: _Running, key: object, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        running[key] = task
        task.add_done_callback(lambda done: self._done(running, key, done))

    def _done(self, running: _Running, key: object, task: asyncio.Task[None]) -> None:
        if running.get(key) is task:
            del running[key]
        self._world.fleet.stir(self._array_id)
