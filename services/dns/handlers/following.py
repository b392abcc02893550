"""Keeping this replica's copies, and remembering who is under notice."""

from services.dns.apply import tell
from services.dns.plan.records import first_record, with_leaving
from services.dns.ports import World
from spawn.bus.ports import Fact
from spawn.contracts.events import NoticeInterruption
from spawn.contracts.hostnames import Hostnames, stem_of
from spawn.errors import NotFound


async def mirror_arrays(world: World) -> None:
    """Follow the arrays' records; runs until it is cancelled."""
    async for change in world.stores.arrays.watch("*"):
        world.memory.note_array(change)


async def mirror_members(world: World) -> None:
    """Follow the members' records; runs until it is cancelled."""
    async for change in world.stores.members.watch("*.*"):
        world.memory.note_member(change)


async def mirror_hostnames(world: World) -> None:
    """Follow our own records, which other replicas write, too; runs until it is cancelled."""
    async for change in world.stores.hostnames.watch("*"):
        world.memory.note_hostnames(change)


async def on_notice(fact: Fact, world: World) -> None:
    """Write down that an instance is under notice: it leaves its group."""
    notice = fact.event.data
    if world.zone is None or not isinstance(notice, NoticeInterruption):
        return
    await world.memory.known()
    array_id = fact.event.array_id
    entry = world.memory.arrays.get(array_id)
    if entry is None:
        try:
            entry = await world.stores.arrays.get(array_id)
        except NotFound:
            return
    array = entry.value

    def leave(before: Hostnames | None) -> Hostnames | None:
        now = world.clock.now()
        known = before or first_record(
            array.id, stem_of(array), array.size, world.naming.base, now
        )
        leaving = {*known.leaving, *world.memory.noticed(array_id), notice.instance_id}
        return with_leaving(known, frozenset(leaving), now)

    if not array.state.is_over:
        with world.memory.noticing(array_id, notice.instance_id):
            await tell(world, array_id, leave)
