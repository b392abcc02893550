"""What machines ask and report, and what is asked about them from outside."""

import secrets
from typing import TypeVar

import msgspec

from services.launcher.apply.records import refresh, write_members
from services.launcher.model import Roll
from services.launcher.plan.rendezvous import (
    answering,
    as_former,
    assignment_of,
    peers_of,
    roll_of,
)
from services.launcher.plan.reports import note_report
from services.launcher.ports import World
from spawn.bus import codec
from spawn.bus.message import Message
from spawn.bus.ports import Reported, Request
from spawn.contracts.arrays import Array
from spawn.contracts.assignments import (
    LONGEST_EXEC,
    Ask,
    Assignment,
    ExecRequest,
    ExecStarted,
    Peers,
    RosterRequest,
    Tell,
    tell_subject,
)
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.launches import JobSpec
from spawn.contracts.members import Member
from spawn.contracts.pages import cut_pages
from spawn.contracts.reports import Report
from spawn.errors import NotFound, Rejected, Transient
from spawn.telemetry.log import bind

T = TypeVar("T")

_MOST_TRIES = 10


async def on_assignment(request: Request[Ask], world: World) -> Assignment:
    """Tell a machine what it is; raise `NotFound` when it is no member of that array."""
    array, member = await _asker(request.subject, world)
    job, now = await _job_of(world, array.id), world.clock.now()
    assignment = msgspec.structs.replace(
        assignment_of(array, member, _roll(array.id, world), job, now=now), now=now
    )
    former = member.former(_asking(request.subject))
    return assignment if former is None else as_former(assignment, former)


def _roll(array_id: ArrayId, world: World) -> Roll:
    """Return what all machines of an array are told alike: looked at anew when it has changed."""
    edition = world.fleet.edition(array_id)
    known = world.memory.rolls.get(array_id)
    if known is None or known[0] != edition:
        roll = roll_of(world.fleet.members(array_id), world.fleet.hostnames(array_id))
        known = world.memory.rolls[array_id] = (edition, roll)
    return known[1]


async def answer_peers(message: Message, world: World) -> bytes:
    """Answer with a page of the array's peers: encoded once, and anew when they have changed."""
    asked = codec.decode(message.data, Ask)
    array, _ = await _asker(message.subject, world)
    edition = world.fleet.edition(array.id)
    known = world.memory.encoded_peers.get(array.id)
    if known is None or known[0] != edition:
        pages = cut_pages(_peers(array, world))
        known = (edition, tuple(codec.encode(page) for page in pages))
        world.memory.encoded_peers[array.id] = known
    return _page(known[1], asked.page)


async def on_roster(request: Request[RosterRequest], world: World) -> Peers:
    """Return a page of an array's peers to somebody outside of it."""
    array = await _array(world, request.body.array_id)
    return _page(cut_pages(_peers(array, world)), request.body.page)


def _peers(array: Array, world: World) -> Peers:
    return peers_of(array, world.fleet.members(array.id), world.fleet.hostnames(array.id))


def _page(pages: tuple[T, ...], number: int) -> T:
    # Who asks for a page that there is no more sees by the edition that the list is another.
    return pages[min(number, len(pages) - 1)]


async def on_exec(request: Request[ExecRequest], world: World) -> ExecStarted:
    """Tell machines to run a command; raise `Rejected` when there is none to tell."""
    body = request.body
    _check_exec(body)
    array = await _array(world, body.array_id)
    able = answering(array, world.fleet.members(array.id), body.ranks)
    exec_id = secrets.token_hex(8)
    tell = Tell(
        what="exec",
        exec_id=exec_id,
        argv=body.argv,
        timeout_seconds=body.timeout_seconds,
    )
    for member in able:
        await world.tells.tell(tell_subject(array.id, member.instance.id), tell)
    return ExecStarted(exec_id=exec_id, ranks=tuple(member.rank for member in able))


def _check_exec(asked: ExecRequest) -> None:
    if not asked.argv:
        raise Rejected("argv=(): name a command", field="argv")
    longest = int(LONGEST_EXEC.total_seconds())
    if not 1 <= asked.timeout_seconds <= longest:
        raise Rejected(
            f"timeout_seconds={asked.timeout_seconds}: use 1 to {longest}", field="timeout_seconds"
        )


async def on_report(said: Reported[Report], world: World) -> None:
    """Record what a machine says of itself; raise `NotFound` for one that is nobody's."""
    with bind(array_id=said.array_id, instance_id=said.instance_id):
        for _ in range(_MOST_TRIES):
            array, member = await _member(world, said.array_id, said.instance_id)
            change = note_report(member, said.report, array, now=world.clock.now())
            if change is None or await write_members(world, (change,)):
                return
        raise Transient(f"{said.instance_id}: others write its record all the time")


async def _asker(subject: str, world: World) -> tuple[Array, Member]:
    *_, array_id, _ = subject.split(".")
    return await _member(world, ArrayId(array_id), _asking(subject))


def _asking(subject: str) -> InstanceId:
    return InstanceId(subject.rpartition(".")[2])


async def _member(
    world: World, array_id: ArrayId, instance_id: InstanceId
) -> tuple[Array, Member]:
    array = await _array(world, array_id)
    member = world.fleet.holder(array_id, instance_id)
    if member is None and not array.intents:
        await refresh(world, array_id)
        array = await _array(world, array_id)
        member = world.fleet.holder(array_id, instance_id)
    if member is not None:
        return array, member
    if array.intents:
        # It may have booted before the answer to the call that made it was recorded.
        raise Transient(f"{instance_id} is not a member of {array_id} yet")
    raise NotFound(f"{instance_id} is no member of {array_id}")


async def _array(world: World, array_id: ArrayId) -> Array:
    entry = world.fleet.array(array_id) or await world.stores.arrays.get(array_id)
    return entry.value


async def _job_of(world: World, array_id: ArrayId) -> JobSpec | None:
    """Return what an array runs; None when the records that said so were lost."""
    jobs = world.memory.jobs
    if array_id not in jobs:
        try:
            jobs[array_id] = (await world.stores.specs.get(array_id)).value
        except NotFound:
            jobs[array_id] = None
    return jobs[array_id]
