"""Extensions racing the end of a lease, in every order that is drawn, with crashes between.

Handlers run as far as their next call of a door; what is drawn says whose call is performed next,
when time passes, and when the whole process is killed, whose messages are then delivered again.
Whatever the order: a change that was confirmed is kept, one that was refused is not, nothing ends
early, and everything ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ttl.apply import name_ends
from services.ttl.handlers.commands import on_extend
from services.ttl.handlers.course import on_accepted, on_due
from services.ttl.handlers.sweep import sweep
from services.ttl.ports import World
from spawn.bus import codec
from spawn.bus.ports import Due
from spawn.contracts.events import LeaseRefused, LeaseSet
from spawn.contracts.lease_records import Occasion, Over
from spawn.contracts.leases import Lease
from tests.fakes.clock import NOON
from tests.services.ttl.worlds import Fakes, accepted, extension, living, pass_time

LIFE = timedelta(seconds=10)
ADDED = 5
EXTENSIONS = 3
SHORT = Lease(until=NOON + LIFE)

Handler = Callable[[World], Awaitable[None]]


class Turns:
    """Calls that wait to be let through."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []

    async def take(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        await turn

    def give(self, choice: int) -> None:
        living = [turn for turn in self.waiting if not turn.done()]
        self.waiting = living
        if living:
            living.pop(choice % len(living)).set_result(None)
            self.waiting = living


class Slow:
    """A door each of whose calls waits before it is performed, and again before it returns."""

    def __init__(self, door: Any, turns: Turns) -> None:
        self._door = door
        self._turns = turns

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._door, name)
        if name == "watch":
            return work

        async def call(*arguments: Any, **named: Any) -> Any:
            await self._turns.take()
            answer: Any = None
            failure: Exception | None = None
            try:
                answer = await work(*arguments, **named)
            except Exception as error:  # noqa: BLE001 - whatever the door said
                failure = error
            await self._turns.take()
            if failure is not None:
                raise failure
            return answer

        return call


class Race:
    """One process of the service, its messages, and what the launcher was asked when."""

    def __init__(self) -> None:
        self.fakes = Fakes()
        self.messages: dict[str, Handler] = {}
        self.asked: list[tuple[Over, datetime]] = []
        self.failures: list[BaseException] = []
        self._seen = 0
        self._start()

    def _start(self) -> None:
        self.turns = Turns()
        self.world = self.fakes.world(door=lambda door: Slow(door, self.turns))
        loop = asyncio.get_running_loop()
        self.naming = loop.create_task(name_ends(self.world))
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def kill(self) -> None:
        """End the process between any two of its calls, and start it again."""
        doomed = [self.naming, *self.tasks.values()]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        self._start()

    async def settle(self) -> None:
        """Let everything run as far as its next call, and settle the messages that are done."""
        await self.fakes.clock.settle()
        for name, handler in self.messages.items():
            if name not in self.tasks:
                work = self._handle(name, handler)
                self.tasks[name] = asyncio.get_running_loop().create_task(work)
        await self.fakes.clock.settle()
        for name in [name for name, task in self.tasks.items() if task.done()]:
            self.messages.pop(name, None)
            self.tasks.pop(name).result()
        overs = self.fakes.overs()
        now = self.fakes.clock.now()
        self.asked += [(over, now) for over in overs[self._seen :]]
        self._seen = len(overs)

    async def _handle(self, name: str, handler: Handler) -> None:
        del name
        await handler(self.world)

    def pass_time(self, duration: timedelta) -> None:
        self.fakes.clock.move(duration)
        for number, (timer, data) in enumerate(
            self.fakes.schedules.take_due(self.fakes.clock.now())
        ):
            due = Due(timer=timer, body=codec.decode(data, Occasion))
            name = f"due {self.fakes.clock.now()} {number}"
            self.messages[name] = lambda world, due=due: on_due(due, world)

    def extend(self, number: int, rank: int | None) -> None:
        command = extension(f"x{number}", add_seconds=ADDED, rank=rank)
        self.messages[f"extend {number}"] = lambda world: on_extend(command, world)


def moves() -> st.SearchStrategy[list[tuple[str, int]]]:
    go = st.tuples(st.just("go"), st.integers(0, 5))
    some = st.tuples(st.sampled_from(["time", "extend", "kill", "sweep"]), st.integers(1, 8))
    return st.lists(st.one_of(go, go, go, go, some), min_size=20, max_size=150)


async def run(
    drawn: Iterator[tuple[str, int]], *, ranks: tuple[int | None, ...] = (None,)
) -> Race:
    race = Race()
    await race.fakes.write_array(living(SHORT))
    race.messages["accepted"] = lambda world: on_accepted(accepted(SHORT), world)
    asked = sweeps = 0
    for what, number in drawn:
        await race.settle()
        match what:
            case "go":
                race.turns.give(number)
            case "time":
                race.pass_time(timedelta(seconds=number))
            case "extend" if asked < EXTENSIONS:
                race.extend(asked, ranks[asked % len(ranks)])
                asked += 1
            case "kill":
                await race.kill()
            case "sweep":
                sweeps += 1
                race.messages[f"sweep {sweeps}"] = sweep
            case _:
                pass
    await finish(race)
    return race


async def finish(race: Race) -> None:
    """Let everything that is under way end, and then the lease itself."""
    for _ in range(3000):
        await race.settle()
        if not race.messages and not race.turns.waiting:
            break
        race.turns.give(0)
    assert not race.messages
    race.naming.cancel()
    await asyncio.gather(race.naming, return_exceptions=True)
    quick = race.fakes.world()
    await pass_time(race.fakes, quick, timedelta(minutes=2))
    await race.settle()


def check(race: Race) -> None:
    granted = [each.data for each in race.fakes.bus.events if isinstance(each.data, LeaseSet)]
    refused = [each.data for each in race.fakes.bus.events if isinstance(each.data, LeaseRefused)]
    answered = [each.request_id for each in (*granted, *refused)]
    assert len(answered) == len(set(answered)), "a request is granted or refused, once"
    ends = {None: NOON + LIFE, **{each.rank: each.lease.until for each in granted}}
    for rank, end in ends.items():
        check_end(race, rank, end)
    added = sum(each.rank is None for each in granted) * timedelta(seconds=ADDED)
    assert ends[None] == NOON + LIFE + added
    asked = {over.rank for over, _ in race.asked}
    assert asked == set(ends), "who was granted nothing ends with the array alone"


def check_end(race: Race, rank: int | None, end: datetime) -> None:
    asked = [(over.version, at) for over, at in race.asked if over.rank == rank]
    assert len({version for version, _ in asked}) == 1, "it ends, by one decision"
    assert min(at for _, at in asked) >= end, "what was confirmed is kept, nothing ends early"
    datas: list[Any] = [e.data for e in race.fakes.bus.events if e.name == "lease.expired"]
    assert {each.lease.until for each in datas if each.rank == rank} == {end}


async def check_listed(race: Race) -> None:
    """See that the array's last word spares all who were granted a lease of their own."""
    granted = [each.data for each in race.fakes.bus.events if isinstance(each.data, LeaseSet)]
    own = (await race.fakes.lease()).own
    assert {each.rank for each in granted} - {None} <= set(own)


@settings(max_examples=60, deadline=None)
@given(moves())
def test_a_change_is_confirmed_and_kept_or_refused(drawn: list[tuple[str, int]]) -> None:
    check(asyncio.run(run(iter(drawn))))


@settings(max_examples=60, deadline=None)
@given(moves())
def test_so_it_is_for_members_whose_array_ends_meanwhile(drawn: list[tuple[str, int]]) -> None:
    async def race() -> Race:
        ended = await run(iter(drawn), ranks=(1, 1, None))
        await check_listed(ended)
        return ended

    check(asyncio.run(race()))
