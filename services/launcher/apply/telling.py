"""Nudging machines: what is lost costs them half a minute."""

from collections.abc import Iterable

from services.launcher.apply.records import write_members
from services.launcher.model import MemberChange
from services.launcher.ports import World
from spawn.contracts.assignments import Tell, tell_all_subject, tell_subject
from spawn.contracts.ids import ArrayId


async def tell_all(world: World, array_id: ArrayId, what: str) -> None:
    """Nudge every machine of an array."""
    await world.tells.tell(tell_all_subject(array_id), Tell(what=what))


async def write_and_tell(world: World, changes: Iterable[MemberChange]) -> None:
    """Write members' records, and have those machines ask for their assignment."""
    for member in await write_members(world, changes):
        subject = tell_subject(member.array_id, member.instance.id)
        await world.tells.tell(subject, Tell(what="assignment"))
