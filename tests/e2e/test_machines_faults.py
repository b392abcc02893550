"""Jobs whose agent, bus or whole control plane is killed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

from spawn.runtime.processes import ProcessRef, is_alive
from tests.faults.scale import TORTURE
from tests.fixtures.control import Plane, plane_in
from tests.fixtures.jobs import Member, begin, ec2, finished, members, output, status

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.fault,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),  # leases end by the clock
]

KILLS = 20 if TORTURE else 2
LINES_A_SECOND = 400
OUTAGE_BYTES = LINES_A_SECOND * len("1234 of 1\n") * (20 if TORTURE else 3)
"""What each rank writes while the bus is away: 20 s of it, or 3 s."""

NOISY = """echo begun >>"$SPAWN_ROOT/begun"
number=0
until [ -e "$SPAWN_ROOT/go" ]; do
    for _ in {1..20}; do echo "$((number++)) of $SPAWN_RANK"; done
    sleep 0.05
done
echo "$number in all"
"""
"""Prints until it is let go."""

LATE = timedelta(seconds=15)
"""How long after its lease a machine powers off by itself."""

BACK = timedelta(seconds=120)
"""What a machine that has come back has left to hear of a longer lease."""


class Doomed(msgspec.Struct, frozen=True):
    """Machines whose control plane is dead."""

    plane: Plane
    lease: datetime
    crew: list[Member]
    rebooted: Member | None


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def doomed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doomed]:
    """Machines that are left alone at the beginning, so that their lease ends by the end."""
    async for plane in plane_in(tmp_path_factory.mktemp("doomed") / "home"):
        before = await plane.up()
        # Kept, for a reboot ends the job, and that would power the machine off.
        words = ("--ttl", "40s", "--wait-for", "agent", "--keep")
        await begin(plane, "doomed", "sleep 600", *words, count=2)
        # What they arm last is what they go by.
        extended = await plane.run("extend", "doomed", "+5s")
        assert extended.code == 0, extended.err
        array = await status(plane, "doomed")
        crew = await members(plane, "doomed")
        cloud = plane.child("sandbox")
        plane.kill(before.supervisor)
        for child in before.children:
            if child.name != cloud.name and is_alive(child.process):
                plane.kill(child.process)
        await until_alone(plane, cloud.process)
        if TORTURE:
            ec2(plane).reboot_instances(InstanceIds=[crew[1].folder.name])
        # Consoles and leases on machines speak of whole seconds.
        lease = datetime.fromisoformat(array["lease_until"]).replace(microsecond=0)
        yield Doomed(plane, lease, crew, crew[1] if TORTURE else None)


async def until_alone(plane: Plane, cloud: ProcessRef) -> None:
    await plane.until(lambda: plane.living() == {cloud})


async def test_a_killed_agent_is_restarted_beside_its_job(machines_plane: Plane) -> None:
    plane = machines_plane
    # Kept: a machine that has ended has no folder to look into.
    await begin(plane, "orphan", NOISY, "--keep")
    (member,) = await members(plane, "orphan")
    await plane.until(lambda: member.spooled() > 0)
    for _ in range(KILLS):
        await plane.until(lambda: len(member.agents()) == 1)
        (agent,) = member.agents()
        written = member.spooled()
        agent.kill()
        await until_restarted(plane, member, agent.pid, written)
    member.let_go()
    ended = await finished(plane, "orphan")
    assert ended.code == 0, ended.err
    check(await output(plane, "orphan", 0), rank=0)
    assert (member.root / "begun").read_text() == "begun\n"


async def until_restarted(plane: Plane, member: Member, before: int, written: int) -> None:
    """Wait until another agent runs, and the job has gone on."""

    def again() -> bool:
        other = any(agent.pid != before for agent in member.agents())
        return other and member.spooled() > written

    await plane.until(again)


def check(printed: bytes, *, rank: int) -> None:
    """See that every line of a noisy job is there once and in order."""
    *lines, last = printed.decode().splitlines()
    assert lines == [f"{number} of {rank}" for number in range(len(lines))]
    assert last == f"{len(lines)} in all", f"the output of rank {rank} has no end"


async def test_a_killed_bus_loses_and_doubles_no_line_of_8_jobs(machines_plane: Plane) -> None:
    plane = machines_plane
    await begin(plane, "noisy", NOISY, count=8)
    crew = await members(plane, "noisy")
    await plane.until(lambda: all(member.spooled() > 0 for member in crew))
    before = {member.rank: member.spooled() for member in crew}

    def kept_down() -> bool:
        """Kill the bus whenever it is back, until all have written enough meanwhile."""
        bus = plane.child("nats-server").process
        if is_alive(bus):
            plane.kill(bus)
        return all(each.spooled() >= before[each.rank] + OUTAGE_BYTES for each in crew)

    await plane.until(kept_down)
    await plane.until(lambda: is_well(plane, "nats-server"))
    for member in crew:
        member.let_go()
    ended = await finished(plane, "noisy")
    assert ended.code == 0, ended.err
    for rank in range(8):
        check(await output(plane, "noisy", rank), rank=rank)


def is_well(plane: Plane, name: str) -> bool:
    child = plane.child(name)
    return child.ready and is_alive(child.process)


async def test_machines_end_at_their_lease_when_all_services_are_dead(doomed: Doomed) -> None:
    for member in doomed.crew:
        await until_off(doomed.plane, member)
        (off,) = member.offs()
        due = doomed.lease + LATE
        if member == doomed.rebooted:
            due = max(due, member.boots()[-1] + BACK)
        assert due <= off <= due + timedelta(seconds=60)
    await doomed.plane.until(lambda: states(doomed) == {"terminated"})


async def until_off(plane: Plane, member: Member) -> None:
    await plane.until(lambda: member.offs() != [], within=timedelta(minutes=4))


def states(doomed: Doomed) -> set[str]:
    ids = [member.folder.name for member in doomed.crew]
    found = ec2(doomed.plane).describe_instances(InstanceIds=ids)["Reservations"]
    return {each["State"]["Name"] for one in found for each in one["Instances"]}
