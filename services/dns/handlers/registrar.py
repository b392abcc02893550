"""The registrar: keeps the zone as it should be, at one replica at a time.

It compares what is wanted with its copy of the zone, changes what differs, waits until a change
is everywhere, and then tells. Each change says what it expects to find; when it is refused, the
zone is read again, and what is still refused is split until the bad record stands alone.
"""

import asyncio
from collections import deque
from datetime import timedelta

import msgspec

from services.dns import metrics
from services.dns.apply import change_zone, forget, publish, tell
from services.dns.handlers.view import View, is_marked
from services.dns.memory import ZoneCopy
from services.dns.model import Blocked, Edit, Standing
from services.dns.plan.batches import halves
from services.dns.plan.difference import NAME_MOVES
from services.dns.plan.pace import IDLE_WINDOW, Pace
from services.dns.plan.records import next_record, told_of
from services.dns.ports import World, ZonePort
from spawn.bus.ports import Fence
from spawn.clock import wait_event
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.ids import ArrayId
from spawn.errors import Cause, Conflict, Outcome, Rejected, first_outcome
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

FENCE = "dns.zone"

_POLL = timedelta(seconds=2)
"""How often a zone that another replica keeps, or that failed, is tried again."""

_ASK_AGAIN = timedelta(seconds=2)
"""Time between two questions whether a change is everywhere, up to `_ASK_LATER`."""

_ASK_LATER = timedelta(seconds=5)


_TICK = timedelta.resolution
"""Added to a nap, which rounding could otherwise end just before something is due."""


class _Flight(msgspec.Struct):
    """A change on its way to all name servers, and what resolves once it is there."""

    change_id: str
    wanted: float
    begun: float
    due: float
    stems: set[str]
    standing: dict[ArrayId, Standing]


async def keep_zone(world: World) -> None:
    """Keep the zone as long as no other replica does; runs until it is cancelled."""
    if world.zone is None:
        _log.info("no names: SPAWN_DNS_BACKEND is none")
        await asyncio.Event().wait()
        return
    await world.memory.known()
    while True:
        try:
            async with world.fences.hold(FENCE) as fence:
                if fence is not None:
                    await Registrar(world, world.zone).run(fence)
        except* Outcome as outcomes:
            _log.warning("look again", why=first_outcome(outcomes).message)
        except* Exception:  # noqa: BLE001 - counted and logged with its trace
            # What can't be named must not end the service that removes names.
            metrics.REGISTRAR_FAILURES.inc()
            _log.exception("registrar failed")
        await world.clock.sleep(_POLL)


class Registrar:
    """The zone in this replica's hands."""

    def __init__(self, world: World, zone: ZonePort) -> None:
        self._world = world
        self._zone = zone
        self._view = View(world.naming)
        self._pace = Pace()
        self._flights: deque[_Flight] = deque()
        self._next_look = 0.0
        self._wanted: float | None = None

    async def run(self, fence: Fence) -> None:
        """Keep the zone until another replica does. Raises an `Outcome`."""
        for entry in tuple(self._world.memory.hostnames.items().values()):
            await publish(self._world, entry)
        self._world.memory.change_all()
        try:
            while not fence.is_lost:
                await self.turn()
        finally:
            # Whoever keeps the zone now counts; old figures here would stand beside his.
            for gauge in (metrics.NAMES, metrics.RECORDS, metrics.REFUSED):
                gauge.set(0)

    async def turn(self) -> None:
        """Do what is due, then wait until something is."""
        memory, now = self._world.memory, self._now
        memory.stirred.clear()
        if now >= self._next_look:
            await self._look()
        self._view.refresh(memory, memory.take_changed())
        edits = self._edits()
        due = None
        if edits:
            self._wanted = now if self._wanted is None else self._wanted
            due = self._pace.due(now=now, urgent=edits[0].urgency <= NAME_MOVES)
            if now >= due:
                batch = self._view.first_batch(self._zone.limits)
                await self._send(batch, fresh=False)
                self._wanted = self._wanted if len(batch) < len(edits) else None
                self._pace.sent(now=self._now)
                return
        else:
            self._pace.rest()
            self._wanted = None
        await self._confirm()
        if memory.is_whole:
            await self._settle({each.stem for each in edits})
        await self._rest(due)

    def _edits(self) -> tuple[Edit, ...]:
        # While a copy is read anew what is missing in it says nothing.
        return self._view.edits() if self._world.memory.is_whole else ()

    async def _look(self) -> None:
        metrics.LOOKS.inc()
        self._view.take_zone(ZoneCopy(await self._zone.records()))
        if not self._view.is_marked:
            self._view.is_marked = await is_marked(self._world)
        self._next_look = self._now + self._world.settings.dns_sweep.total_seconds()

    async def _send(self, edits: tuple[Edit, ...], *, fresh: bool) -> None:
        """Make edits in one change; what is refused is looked at again, then split."""
        if not edits:
            return
        changes = self._view.seal(edits)
        try:
            change_id = await change_zone(self._zone, changes)
        except (Conflict, Rejected) as refusal:
            if refusal.cause not in _SPLIT:
                raise
            await self._send_again(edits, refusal, fresh=fresh)
            return
        self._view.take_changes(changes)
        self._take_off(change_id, {each.stem for each in edits})

    async def _send_again(self, edits: tuple[Edit, ...], refusal: Outcome, *, fresh: bool) -> None:
        if not fresh:
            await self._look()
            still = {(each.stem, each.slot) for each in edits}
            again = tuple(e for e in self._view.edits() if (e.stem, e.slot) in still)
            await self._send(again, fresh=True)
        elif len(edits) == 1:
            self._refuse(edits[0], refusal)
        else:
            for half in halves(edits):
                await self._send(half, fresh=True)

    def _refuse(self, edit: Edit, refusal: Outcome) -> None:
        name = edit.change.key[0] if edit.change else edit.stem
        _log.warning("name refused", name=name, why=refusal.message)
        self._view.refuse(edit, Blocked(stem=edit.stem, name=name, reason=refusal.message))

    def _take_off(self, change_id: str, stems: set[str]) -> None:
        due = self._now + self._zone.spreads_within.total_seconds()
        standing = self._view.standing(stems)
        wanted = self._now if self._wanted is None else self._wanted
        self._flights.append(_Flight(change_id, wanted, self._now, due, stems, standing))

    async def _confirm(self) -> None:
        """Tell of the changes that are everywhere; changes of one zone arrive in their order."""
        while self._flights and self._flights[0].due <= self._now:
            flight = self._flights[0]
            if not await self._zone.is_everywhere(flight.change_id):
                age = timedelta(seconds=self._now - flight.begun)
                flight.due = self._now + min(max(_ASK_AGAIN, age / 4), _ASK_LATER).total_seconds()
                return
            self._flights.popleft()
            metrics.SPREAD.observe(self._now - flight.begun)
            metrics.LAG.observe(self._now - flight.wanted)
            for array_id, stands in flight.standing.items():
                await self._tell(array_id, stands)

    async def _settle(self, busy: set[str]) -> None:
        """Compare what is told with what stands; what nobody saw arrive is asked about anew."""
        view, told = self._view, self._world.memory.hostnames.items()
        busy = busy.union(*(each.stems for each in self._flights))
        unseen: list[str] = []
        for array_id in view.quiet(busy, [each.value for each in told.values()]):
            entry, stands = told.get(array_id), view.standing_of(array_id)
            stem = view.stem_held_by(array_id)
            if stem and stands != told_of(entry.value if entry else None):
                unseen.append(stem)
            else:
                await self._tell(array_id, stands)
        await self._touch(unseen[: self._zone.limits.values // 4])
        for entry in tuple(told.values()):
            if view.is_over(entry.value.array_id) and told_of(entry.value) == Standing():
                await forget(self._world, entry)
        metrics.NAMES.set(sum(len(each.value.hosts) for each in told.values()))
        metrics.RECORDS.set(view.owned_records)
        metrics.REFUSED.set(view.refused_names)

    async def _touch(self, stems: list[str]) -> None:
        changes = self._view.touch(stems)
        if changes:
            self._take_off(await change_zone(self._zone, changes), set(stems))

    async def _tell(self, array_id: ArrayId, stands: Standing) -> None:
        view, now = self._view, self._world.clock.now()

        def change(before: Hostnames | None) -> Hostnames | None:
            known = before or view.first_record(array_id, now)
            if known is None:
                return None
            blocked = view.blocked(array_id)
            after = next_record(known, stands, blocked=blocked, naming=view.naming, now=now)
            return None if after is known else after

        await tell(self._world, array_id, change)

    async def _rest(self, due: float | None) -> None:
        world, dues = self._world, [self._next_look, *([] if due is None else [due])]
        if self._flights:
            dues.append(self._flights[0].due)
        nap = timedelta(seconds=max(0.0, min(dues) - self._now)) + _TICK
        if due is None:
            await wait_event(world.memory.stirred, nap)
        else:
            # What comes meanwhile is gathered, and looked at together.
            await world.clock.sleep(min(nap, IDLE_WINDOW))

    @property
    def _now(self) -> float:
        return self._world.clock.monotonic()


_SPLIT = frozenset({Cause.EXISTS, Cause.INVALID, Cause.ABSENT})
"""Causes that lie in a record; all others would refuse each half, too."""
