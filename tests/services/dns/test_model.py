"""Any history of arrays, machines, faults and strangers: once it is quiet, the zone is right."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.dns.handlers.following import on_notice
from services.dns.plan.claims import refused_arrays
from services.dns.plan.names import wanted_of
from services.dns.ports import World
from spawn.bus.ports import Fact
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import (
    Event,
    HostnameRegistered,
    HostnameRemoved,
    NoticeInterruption,
    event_id,
)
from spawn.contracts.hostnames import owner_name, stem_of
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member, MemberState
from spawn.contracts.zones import Record
from spawn.errors import Cause, Transient
from tests.builders import NOON, an_ending
from tests.fakes.bus import FakeBus
from tests.fakes.warp import WarpClock, WarpLoop
from tests.fakes.zone import FakeZone
from tests.services.dns.weather import FOREIGN, LETTERS, NAMES, QUIET, REPLICAS, SMALL, FlakyEvents
from tests.services.dns.worlds import (
    BASE,
    NAMING,
    Records,
    a_member,
    make_world,
    named_array,
    serving,
)


class Histories(RuleBasedStateMachine):
    """Arrays live and die, replicas crash, answers are lost, and others use the same zone."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = WarpLoop()
        self.clock = WarpClock(self.loop)
        self.bus = FakeBus()
        self.zone = FakeZone(self.clock, base=BASE, limits=SMALL, spread=timedelta(seconds=3))
        self.records = Records(self.bus)
        self.arrays: dict[ArrayId, Array] = {}
        self.members: dict[tuple[ArrayId, int], Member] = {}
        self.leaving: set[InstanceId] = set()
        self.foreign: dict[tuple[str, str], Record] = {}
        self.served: dict[str, tuple[World, asyncio.Task[None]]] = {}
        self.number = 0
        self.events = FlakyEvents(self.bus)

    @initialize()
    def begin(self) -> None:
        self.loop.run_until_complete(self.records.mark())
        self.start("one")

    @rule(name=st.sampled_from(NAMES), size=st.integers(1, 4))
    def launch(self, name: str, size: int) -> None:
        if any(each.name == name and not each.state.is_over for each in self.arrays.values()):
            return
        self.number += 1
        array = named_array(
            name,
            size,
            id=ArrayId(f"{name}-{f'{self.number:o}'.translate(LETTERS):a>12}"),
            accepted_at=NOON + timedelta(seconds=self.number),
        )
        self.arrays[array.id] = array
        self.put(array)
        for rank in range(size):
            self.run_instance(array, rank, generation=0)

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        array, member = self.choose(data)
        self.run_instance(array, member.rank, generation=member.generation + 1)

    @precondition(lambda self: self.living())
    @rule(data=st.data(), state=st.sampled_from([MemberState.LOST, MemberState.EXITED]))
    def lose(self, data: st.DataObject, state: MemberState) -> None:
        _, member = self.choose(data)
        gone = msgspec.structs.replace(member.instance, state=InstanceState.TERMINATED)
        instance = gone if state is MemberState.LOST else member.instance
        self.keep(msgspec.structs.replace(member, state=state, instance=instance))

    @precondition(lambda self: self.living())
    @rule(data=st.data(), times=st.integers(1, 2))
    def warn(self, data: st.DataObject, times: int) -> None:
        array, member = self.choose(data)
        notice = NoticeInterruption(
            rank=member.rank,
            generation=member.generation,
            instance_id=member.instance.id,
            action="terminate",
            until=NOON,
        )
        event = Event(
            id=event_id(array.id, notice, 1),
            array_id=array.id,
            source="/spawn/test/spot_watcher",
            time=NOON,
            data=notice,
        )
        for _ in range(times):
            world, _ = next(iter(self.served.values()), (None, None))
            if world is not None:
                fact = Fact(event=event, sequence=1, delivered=1)
                self.deliver(fact, world)
                self.leaving.add(member.instance.id)

    def deliver(self, fact: Fact, world: World) -> None:
        """Deliver a fact again until it is handled, as the bus does."""
        while True:
            try:
                return self.loop.run_until_complete(on_notice(fact, world))
            except Transient:
                continue

    @precondition(lambda self: self.living())
    @rule(data=st.data(), whole=st.booleans())
    def end(self, data: st.DataObject, whole: bool) -> None:
        array, _ = self.choose(data)
        ending = msgspec.structs.replace(array, ending=an_ending(), state=ArrayState.TERMINATING)
        over = msgspec.structs.replace(ending, state=ArrayState.TERMINATED)
        self.arrays[array.id] = over if whole else ending
        self.put(self.arrays[array.id])

    @rule(replica=st.sampled_from(REPLICAS))
    def crash(self, replica: str) -> None:
        if replica in self.served:
            self.stop(replica)
        self.start(replica)

    @rule()
    def lose_fence(self) -> None:
        self.bus.expire_fence("dns.zone")

    @rule(failures=st.integers(1, 4))
    def throttle(self, failures: int) -> None:
        self.zone.failures = [Transient("slower", cause=Cause.THROTTLED)] * failures

    @rule()
    def lose_an_answer(self) -> None:
        self.zone.lost = 1

    @rule(failures=st.integers(1, 2))
    def lose_events(self, failures: int) -> None:
        self.events.failures = failures

    @rule(key=st.sampled_from(FOREIGN))
    def intrude(self, key: tuple[str, str]) -> None:
        name, kind = f"{key[0]}.{BASE}", key[1]
        taken = {kind, "CNAME"} if kind != "CNAME" else {"A", "AAAA", "CNAME"}
        if any((name, each) in self.zone.held for each in taken):
            return
        record = Record(name, kind, ("of somebody else",), timedelta(minutes=5))
        self.foreign[record.key] = self.zone.held[record.key] = record

    @precondition(lambda self: self.foreign)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.foreign)))
        del self.foreign[key]
        del self.zone.held[key]

    @rule(milliseconds=st.integers(1, 4_000))
    def pass_time(self, milliseconds: int) -> None:
        self.loop.run_for(timedelta(milliseconds=milliseconds))

    @rule()
    def come_to_rest(self) -> None:
        self.zone.failures = []
        if not self.served:
            self.start("one")
        self.loop.run_for(QUIET)
        assert {k: sorted(r.values) for k, r in self.zone.held.items()} == self.expected()
        told = {
            array_id: self.loop.run_until_complete(self.records.told(array))
            for array_id, array in self.arrays.items()
        }
        resolving = {
            each.name_of(host.rank): (host.address,)
            for each in told.values()
            if each is not None
            for host in each.hosts
        }
        ours = self.zone.names()
        assert resolving.items() <= ours.items()
        assert self.said() == {
            name
            for name, kind in self.zone.held
            if kind == "A" and (name, kind) not in self.foreign
        }
        for array_id, record in told.items():
            if self.arrays[array_id].state.is_over:
                assert record is None

    @invariant()
    def what_others_have_is_theirs(self) -> None:
        for key, record in self.foreign.items():
            assert self.zone.held[key] is record

    def teardown(self) -> None:
        self.come_to_rest()
        for replica in tuple(self.served):
            self.stop(replica)
        self.loop.close()

    def expected(self) -> dict[tuple[str, str], list[str]]:
        living = [each for each in self.arrays.values() if not each.state.is_over]
        unnamed = refused_arrays(living)
        found = {key: sorted(each.values) for key, each in self.foreign.items()}
        for array in living:
            owner = (owner_name(stem_of(array), base=BASE), "TXT")
            if array.id in unnamed or owner in self.foreign:
                continue
            held = {m.rank: m for (id_, _), m in self.members.items() if id_ == array.id}
            wanted = wanted_of(array, held, leaving=frozenset(self.leaving), naming=NAMING)
            named = {r.key: sorted(r.values) for r in wanted.records.values()}
            mine = {
                key: values
                for key, values in named.items()
                if key not in self.foreign and (key[0], "CNAME") not in self.foreign
            }
            if mine:
                found |= mine
                found[owner] = sorted(self.zone.held[owner].values)
        return found

    def said(self) -> set[str]:
        """Return the names that resolve by what was said, in order for each array."""
        names: dict[ArrayId, set[str]] = defaultdict(set)
        for each in self.bus.events:
            match each.data:
                case HostnameRegistered(names=come):
                    names[each.array_id] |= set(come)
                case HostnameRemoved(names=gone):
                    names[each.array_id] -= set(gone)
                case _:
                    pass
        return set[str]().union(*names.values())

    def living(self) -> list[Array]:
        return [each for each in self.arrays.values() if each.ending is None]

    def choose(self, data: st.DataObject) -> tuple[Array, Member]:
        array = data.draw(st.sampled_from(self.living()))
        return array, self.members[array.id, data.draw(st.integers(0, array.size - 1))]

    def run_instance(self, array: Array, rank: int, *, generation: int) -> None:
        self.number += 1
        self.keep(a_member(array, rank, number=self.number, generation=generation))

    def keep(self, member: Member) -> None:
        self.members[member.array_id, member.rank] = member
        self.put(member)

    def put(self, record: Array | Member) -> None:
        self.loop.run_until_complete(self.records.put(record))

    def start(self, replica: str) -> None:
        made = make_world(self.bus, self.clock, self.zone, holder=replica)
        world = replace(made, events=self.events)

        async def serve() -> None:
            async with serving(world):
                await asyncio.Event().wait()

        self.served[replica] = (world, self.loop.create_task(serve()))

    def stop(self, replica: str) -> None:
        _, task = self.served.pop(replica)
        task.cancel()
        self.loop.run_until_complete(asyncio.wait([task]))


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
