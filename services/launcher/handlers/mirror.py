"""Keeping this replica's copy of the records."""

from typing import Any

from services.launcher.plan.markets import pool_of
from services.launcher.ports import World
from spawn.bus.ports import Change, Deleted, Entry, Restarted
from spawn.contracts.ids import ArrayId
from spawn.contracts.notices import Notice, NoticeKind


async def mirror_arrays(world: World) -> None:
    """Follow the arrays' records; runs until it is cancelled."""
    async for change in world.stores.arrays.watch("*"):
        world.fleet.note_array(change)
        _forget_published(world, change)
        match change:
            case Entry(value=array) if array.state.is_over:
                world.memory.forget_answers(array.id)
            case Deleted(key=key) if world.fleet.array(ArrayId(key)) is None:
                # Another replica may have deleted it.
                world.memory.forget(ArrayId(key))
                world.fleet.forget(ArrayId(key))
            case _:
                pass


async def mirror_members(world: World) -> None:
    """Follow the members' records; runs until it is cancelled."""
    async for change in world.stores.members.watch("*.*"):
        world.fleet.note_member(change)
        _forget_published(world, change)


async def mirror_hostnames(world: World) -> None:
    """Follow the names of machines, which the DNS service writes; runs until it is cancelled."""
    async for change in world.stores.hostnames.watch("*"):
        world.fleet.note_hostnames(change)


async def mirror_leases(world: World) -> None:
    """Follow the leases' records, which are the TTL service's; runs until it is cancelled."""
    async for change in world.stores.leases.watch(">"):
        world.fleet.note_lease(change)


async def mirror_notices(world: World) -> None:
    """Follow what the cloud announces, which the spot watcher writes; runs until cancelled."""
    async for change in world.stores.notices.watch(">"):
        world.fleet.note_notice(change)
        if isinstance(change, Entry):
            _note_exhaustion(world, change.value)


def _note_exhaustion(world: World, notice: Notice) -> None:
    """Remember a pool from which the cloud takes instances back as one without capacity."""
    member = world.fleet.holder(notice.array_id, notice.instance_id)
    if member is None or notice.kind is not NoticeKind.INTERRUPTION:
        return
    until = notice.noticed_at + world.settings.pool_memory
    for instance in member.instances:
        if instance.id == notice.instance_id and until > world.clock.now():
            known = world.memory.exhausted.get(pool := pool_of(instance), until)
            world.memory.exhausted[pool] = max(until, known)


def _forget_published(world: World, change: Change[Any]) -> None:
    """Forget what was published of records that are gone: their versions begin anew."""
    match change:
        case Deleted(key=key):
            world.memory.published.pop(key, None)
        case Restarted():
            world.memory.published.clear()
        case _:
            pass
