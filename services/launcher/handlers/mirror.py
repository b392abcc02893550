"""Keeping this replica's copy of the records."""

from datetime import datetime
from typing import Any

from services.launcher.plan.markets import pool_of
from services.launcher.ports import World
from spawn.bus.ports import Change, Deleted, Entry, Restarted
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import Instance
from spawn.contracts.members import Member, MemberState
from spawn.contracts.notices import Notice, NoticeKind
from spawn.contracts.pools import Market


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
        if isinstance(change, Entry):
            _note_loss(world, change.value)


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
            _note_interruption(world, change.value)


def _note_loss(world: World, member: Member) -> None:
    """Remember the pool of a spot instance that went without a warning."""
    if member.state is MemberState.LOST and member.instance.market is Market.SPOT:
        _note_exhausted(world, member.instance, since=member.changed_at)


def _note_interruption(world: World, notice: Notice) -> None:
    """Remember the pool of an instance that the cloud is about to take back."""
    member = world.fleet.holder(notice.array_id, notice.instance_id)
    if member is None or notice.kind is not NoticeKind.INTERRUPTION:
        return
    for instance in member.instances:
        if instance.id == notice.instance_id:
            _note_exhausted(world, instance, since=notice.noticed_at)


def _note_exhausted(world: World, instance: Instance, *, since: datetime) -> None:
    """Have a pool tried last for a while: what takes instances back has none to give."""
    until = since + world.settings.pool_memory
    if until > world.clock.now():
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
