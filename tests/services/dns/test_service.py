"""The service as it is hosted, on a real bus and the laptop cloud's Route 53."""

import asyncio
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.dns.service import SERVICE
from spawn.bus.connection import Bus
from spawn.bus.requests import Requests
from spawn.bus.stores import Store
from spawn.clock import SystemClock
from spawn.contracts import arrays, hostnames, members
from spawn.contracts.arrays import Array, ArrayState, DeploymentMark
from spawn.contracts.hostnames import (
    API_CHECK,
    API_LIST,
    CheckRecords,
    Hostnames,
    ListRecords,
    RecordCheck,
    RecordList,
)
from spawn.contracts.members import Member, member_key
from spawn.errors import NotFound, Transient
from tests.builders import an_ending
from tests.fixtures.hosting import hosted
from tests.fixtures.nats import NatsServer
from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.services.dns.worlds import BASE, DEPLOYMENT, a_member, named_array

pytestmark = pytest.mark.door

CLOCK = SystemClock()
POLL = timedelta(milliseconds=50)
SIZE = 5


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    with running_sandbox(
        tmp_path_factory.mktemp("names"), {"throttle": {"enabled": False}}
    ) as one:
        yield one


def in_zone(cloud: RunningSandbox, zone_id: str) -> dict[tuple[str, str], int]:
    """Return how many values each record below the base has."""
    found = cloud.client("route53").list_resource_record_sets(HostedZoneId=zone_id)
    return {
        (each["Name"].removesuffix(f".{BASE}."), each["Type"]): len(each["ResourceRecords"])
        for each in found["ResourceRecordSets"]
        if each["Name"].endswith(f".{BASE}.")
    }


def changes(cloud: RunningSandbox) -> int:
    """Return how many changes Route 53 was asked for."""
    regions = cloud.admin.state()["regions"].values()
    return sum(each["calls"].get("route53.ChangeResourceRecordSets", 0) for each in regions)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await CLOCK.sleep(POLL)


async def answered(bus: Bus, subject: str, body: msgspec.Struct, kind: type[Any]) -> Any:
    async with asyncio.timeout(30):
        while True:
            try:
                return await Requests(bus).ask(subject, body, kind)
            except Transient:
                await CLOCK.sleep(POLL)


async def test_names_come_and_go_with_the_machines(
    nats_server: NatsServer, bus: Bus, cloud: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    made = await asyncio.to_thread(
        cloud.client("route53").create_hosted_zone, Name="example.org", CallerReference="1"
    )
    zone_id = made["HostedZone"]["Id"].rpartition("/")[2]
    store, told = Store(bus, arrays.BUCKET, Array), Store(bus, hostnames.BUCKET, Hostnames)
    await Store(bus, arrays.BUCKET, DeploymentMark).create(
        arrays.MARK_KEY, DeploymentMark(DEPLOYMENT)
    )
    array = named_array(size=SIZE)
    revision = await store.create(array.id, array)
    for rank in range(SIZE):
        member = a_member(array, rank)
        await Store(bus, members.BUCKET, Member).create(member_key(array.id, rank), member)
    env = {
        "SPAWN_NATS_URL": nats_server.url,
        "SPAWN_DEPLOYMENT": DEPLOYMENT,
        "SPAWN_DNS_BACKEND": "route53",
        "SPAWN_DNS_BASE": BASE,
        "SPAWN_DNS_ZONE_ID": zone_id,
    }
    async with (
        hosted(SERVICE, env | {"SPAWN_REPLICA": "a"}),
        hosted(SERVICE, env | {"SPAWN_REPLICA": "b"}),
    ):
        await until(lambda: ("training", "A") in in_zone(cloud, zone_id))
        assert in_zone(cloud, zone_id) == {
            ("training", "A"): SIZE,
            ("_spawn._tcp.training", "SRV"): SIZE,
            ("_spawn.training", "TXT"): 1,
            **{(f"training-{rank}", "A"): 1 for rank in range(SIZE)},
        }
        async with asyncio.timeout(60):
            while not await _is_told(told, array):
                await CLOCK.sleep(POLL)
        assert await asyncio.to_thread(changes, cloud) == 1
        listed = await answered(bus, API_LIST, ListRecords(), RecordList)
        assert len(listed.records) == SIZE + 3
        check = await answered(bus, API_CHECK, CheckRecords(array_id=array.id), RecordCheck)
        assert (check.agreeing, check.differences) == (SIZE + 3, ())
        ending = msgspec.structs.replace(array, state=ArrayState.TERMINATING, ending=an_ending())
        await store.update(array.id, ending, revision)
        await until(lambda: in_zone(cloud, zone_id) == {})


async def _is_told(told: Store[Hostnames], array: Array) -> bool:
    try:
        return len((await told.get(array.id)).value.hosts) == SIZE
    except NotFound:
        return False
