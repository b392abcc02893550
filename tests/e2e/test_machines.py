"""Jobs that run: ranks, outcomes, the barrier, connections between members."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from tests.fixtures.control import Plane
from tests.fixtures.jobs import (
    PEERS,
    Member,
    begin,
    behave,
    finished,
    follow,
    members,
    output,
    set_boot,
    status,
)

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LATE = timedelta(seconds=5)

MEET = """python3 - <<'END'
import json, os, socket, time

rank, size = int(os.environ["SPAWN_RANK"]), int(os.environ["SPAWN_SIZE"])
port = int(os.environ["MASTER_PORT"])
with open(os.environ["SPAWN_PEERS_FILE"]) as file:
    ips = {peer["index"]: peer["ip"] for peer in json.load(file)}
server = socket.create_server((ips[rank], port), backlog=size)

def dial(ip):
    while True:
        try:
            return socket.create_connection((ip, port), timeout=60)
        except ConnectionRefusedError:
            time.sleep(0.05)

dialled = []
for other in sorted(set(ips) - {rank}):
    dialled.append(dial(ips[other]))
    dialled[-1].sendall(b"%d\\n" % rank)
heard = set()
while len(heard) < size - 1:
    connection, _ = server.accept()
    with connection, connection.makefile() as line:
        heard.add(int(line.readline()))
print(rank, "has reached", len(dialled), "and was reached by", *sorted(heard))
END"""
"""Every member dials every other by the addresses of its peers file."""


@pytest_asyncio.fixture(loop_scope="session")
async def plane(machines_plane: Plane) -> AsyncIterator[Plane]:
    yield machines_plane
    await behave(machines_plane)


async def test_every_member_knows_its_rank_and_the_launch_stays_to_the_end(plane: Plane) -> None:
    command = "echo rank $JOB_ARRAY_INDEX of $JOB_ARRAY_SIZE"
    launched = await follow(plane, "eight", command, count=8)
    assert launched.code == 0, launched.err
    lines = sorted(launched.out.splitlines())
    assert lines == [f"eight-{rank} | rank {rank} of 8" for rank in range(8)]
    for member in await members(plane, "eight"):
        assert "the agent is started" in member.console()
        assert "FAILED" not in member.console()


async def test_one_failure_shows_in_exit_code_and_status_with_rank_and_tail(plane: Plane) -> None:
    command = "echo last words of $SPAWN_RANK; [ $SPAWN_RANK != 1 ] || exit 3"
    launched = await follow(plane, "failing", command, count=3)
    assert launched.code == 1, launched.err
    assert "failing-1 exited with 3" in launched.err
    assert "last words of 1" in launched.err
    array = await status(plane, "failing")
    assert (array["succeeded"], array["failed_ranks"]) == (False, "1")
    # Its machines end with the job.
    assert array["state"] in {"finished", "terminating", "terminated"}
    codes = [(each.exit_code, each.tail) for each in await members(plane, "failing")]
    assert codes == [(0, ""), (3, "last words of 1"), (0, "")]
    shown = (await plane.run("status", "failing")).out
    assert "failed: ranks 1" in shown
    assert "last words of 1" in shown


async def test_a_machine_that_boots_late_holds_the_barrier_for_all(plane: Plane) -> None:
    await set_boot(plane, rank=2, delay=LATE.total_seconds())
    earliest = plane.clock.now().replace(microsecond=0) + LATE
    command = 'until [ -e "$SPAWN_ROOT/go" ]; do sleep 0.1; done; cat $SPAWN_PEERS_FILE'
    await begin(plane, "late", command, count=4)
    crew = await members(plane, "late")
    late = crew[2]

    def all_met() -> bool:
        """Look at every peers file that there is: none may be short, or too early."""
        found = [each.peers() for each in crew]
        assert late.boots() or not any(found)
        assert {len(each) for each in found if each is not None} <= {4}
        return all(found)

    await plane.until(all_met)
    assert late.boots()[0] >= earliest
    booted = (late.root / "etc/spawn/agent.env").stat().st_mtime_ns
    assert all((each.root / PEERS).stat().st_mtime_ns > booted for each in crew)
    for member in crew:
        assert listed(member) == [(each.rank, each.ip) for each in crew]
        member.let_go()
    assert (await finished(plane, "late")).code == 0
    said = [json.loads(await output(plane, "late", rank)) for rank in range(4)]
    assert [len(each) for each in said] == [4, 4, 4, 4]


def listed(member: Member) -> list[tuple[int, str]]:
    return [(peer["index"], peer["ip"]) for peer in member.peers() or []]


async def test_all_of_16_members_reach_each_other(plane: Plane) -> None:
    met = await follow(plane, "meet", MEET, count=16)
    assert met.code == 0, met.err
    expected: set[str] = set()
    for rank in range(16):
        others = " ".join(str(other) for other in range(16) if other != rank)
        expected.add(f"meet-{rank} | {rank} has reached 15 and was reached by {others}")
    assert set(met.out.splitlines()) == expected


async def test_two_arrays_at_once_keep_their_output_apart(plane: Plane) -> None:
    async with asyncio.TaskGroup() as group:
        jobs = [
            group.create_task(follow(plane, name, f"echo this is {name}", count=2))
            for name in ("left", "right")
        ]
    for name, job in zip(("left", "right"), jobs, strict=True):
        assert job.result().code == 0, job.result().err
        lines = sorted(job.result().out.splitlines())
        assert lines == [f"{name}-{rank} | this is {name}" for rank in range(2)]
