"""Names of machines, from the launch to nothing being left: services, cloud and machines."""

import asyncio
import json
from typing import Any

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from tests.fixtures.control import PATIENCE, Plane
from tests.fixtures.jobs import follow
from tests.fixtures.namespaces import namespace_reason

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SIZE = 3
WITHIN = 20


async def ask(plane: Plane, name: str) -> tuple[dns.rcode.Rcode, set[str]]:
    """Ask the laptop cloud's name server for addresses."""
    answer = await dns.asyncquery.udp(
        dns.message.make_query(name, "A"), "127.0.0.1", port=plane.cloud().dns_port, timeout=WITHIN
    )
    found: list[Any] = answer.answer
    return answer.rcode(), {value.to_text() for values in found for value in values}


async def test_names_are_there_while_machines_run_and_not_after(machines_plane: Plane) -> None:
    plane, group = machines_plane, f"named.{machines_plane.cloud().dns_base}"
    words = ("launch", "--name", "named", "--count", str(SIZE), "--region", "us-east-1")
    launched = await plane.run(*words, "--wait-for", "dns", "--command", "sleep 3600")
    assert launched.code == 0, launched.err
    listed = await plane.run("dns", "list", "named", "--json")
    found = map(json.loads, listed.out.splitlines())
    records = {(each["name"], each["type"]): each["values"] for each in found}
    code, addresses = await ask(plane, group)
    assert code == dns.rcode.NOERROR
    assert len(addresses) == SIZE
    assert addresses == set(records[group, "A"])
    ranks = {f"named-{rank}.{plane.cloud().dns_base}" for rank in range(SIZE)}
    assert {name for name, kind in records if kind == "A"} == ranks | {group}
    checked = await plane.run("dns", "check", "named")
    assert checked.code == 0, checked.out + checked.err
    await plane.run("terminate", "named", "--yes")
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while (await ask(plane, group))[0] != dns.rcode.NXDOMAIN:
            pass


async def test_jobs_meet_by_names(machines_plane: Plane) -> None:
    if reason := namespace_reason():
        pytest.skip(f"NOT RUN: jobs that meet by names want a mount namespace. {reason}")
    command = 'getent hosts "$MASTER_ADDR"; cut -d " " -f 1 "$SPAWN_HOSTFILE"'
    waits = ("--wait-for", "dns", "--no-peer-ssh")
    done = await follow(machines_plane, "meet", command, *waits, count=2)
    assert done.code == 0, (done.out, done.err)
    names = [f"meet-{rank}.{machines_plane.cloud().dns_base}" for rank in range(2)]
    for rank in range(2):
        mine = [
            line.split("|")[1].split() for line in done.out.splitlines() if f"-{rank} |" in line
        ]
        (address, found), *hosts = mine
        assert address.startswith("127.")
        assert found == names[0]
        assert hosts == [[name] for name in names]
