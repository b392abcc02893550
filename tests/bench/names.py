"""What names cost: calls to Route 53 and time until the last one resolves everywhere.

The laptop cloud throttles as Route 53 documents it (five requests a second), and a change takes a
second to be everywhere. Beside the service: one UPSERT for each record, as scripts do it.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from botocore.exceptions import ClientError

from services.dns.plan.names import wanted_of
from spawn.bus.connection import Bus
from spawn.bus.mirror import Mirror, mirrored
from spawn.bus.stores import Store
from spawn.clock import SystemClock
from spawn.contracts import arrays, hostnames, members
from spawn.contracts.arrays import MARK_KEY, Array, ArrayState, DeploymentMark
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.members import Member, member_key
from spawn.contracts.zones import Record
from tests.bench.results import Names
from tests.fixtures.nats import connected, running_server
from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.services.dns.worlds import DEPLOYMENT, NAMING, a_member, named_array

_CLOCK = SystemClock()
_SIDE_BY_SIDE = 64
_CHANGE = "route53.ChangeResourceRecordSets"


async def names(folder: Path, *, size: int, arriving: timedelta, upserts: int) -> list[Names]:
    """Name `size` members that run already, then `size` that arrive; and end them."""
    with running_sandbox(folder / "cloud") as cloud:
        (folder / "bus").mkdir(parents=True)
        async with (
            running_server(folder / "bus") as server,
            connected(server) as bus,
            _service(cloud, server.url),
            mirrored(Store(bus, hostnames.BUCKET, Hostnames)) as told,
        ):
            bench = _Bench(cloud, bus, told)
            await bench.begin()
            found = [await bench.launch("ready", size, over=timedelta(0))]
            found.append(await bench.end("ready", size))
            found.append(await bench.launch("coming", size, over=arriving))
            found.append(await bench.end("coming", size))
        found.append(await asyncio.to_thread(_upserts, cloud, size, upserts))
        return found


@dataclass
class _Bench:
    cloud: RunningSandbox
    bus: Bus
    told: Mirror[Hostnames]

    async def begin(self) -> None:
        marks = Store(self.bus, arrays.BUCKET, DeploymentMark)
        await marks.create(MARK_KEY, DeploymentMark(DEPLOYMENT))

    async def launch(self, name: str, size: int, *, over: timedelta) -> Names:
        """Record an array whose members run at once, or one after the other."""
        array = named_array(name, size)
        before = await self._calls()
        if not over:
            await self._members(array, range(size))
            begun = time.perf_counter()
            await Store(self.bus, arrays.BUCKET, Array).create(array.id, array)
        else:
            await Store(self.bus, arrays.BUCKET, Array).create(array.id, array)
            for rank in range(size):
                await self._members(array, [rank])
                await _CLOCK.sleep(over / size)
            begun = time.perf_counter()
        await self._until(array, size)
        what = f"arriving over {over.seconds} s" if over else "running already"
        return await self._found(what, size, begun, before)

    async def end(self, name: str, size: int) -> Names:
        """Say that the array is over, and wait until nobody is told of a name of it."""
        array, before = named_array(name, size), await self._calls()
        store = Store(self.bus, arrays.BUCKET, Array)
        entry = await store.get(array.id)
        over = msgspec.structs.replace(array, state=ArrayState.TERMINATED)
        begun = time.perf_counter()
        await store.update(array.id, over, entry.revision)
        await self._until(array, 0)
        return await self._found("ended", size, begun, before)

    async def _members(self, array: Array, ranks: range | list[int]) -> None:
        limit, store = asyncio.Semaphore(_SIDE_BY_SIDE), Store(self.bus, members.BUCKET, Member)

        async def write(rank: int) -> None:
            async with limit:
                await store.create(member_key(array.id, rank), a_member(array, rank))

        async with asyncio.TaskGroup() as group:
            for rank in ranks:
                group.create_task(write(rank))

    async def _until(self, array: Array, size: int) -> None:
        async with asyncio.timeout(300):
            while self._told(array) != size:
                await _CLOCK.sleep(timedelta(milliseconds=20))

    def _told(self, array: Array) -> int:
        entry = self.told.get(array.id)
        return len(entry.value.hosts) if entry else 0

    async def _found(
        self, what: str, size: int, begun: float, before: tuple[int, int, int]
    ) -> Names:
        seconds = time.perf_counter() - begun
        changes, calls, throttled = (
            now - then for now, then in zip(await self._calls(), before, strict=True)
        )
        return Names(
            what=what,
            members=size,
            changes=changes,
            calls=calls,
            throttled=throttled,
            seconds=seconds,
        )

    async def _calls(self) -> tuple[int, int, int]:
        return await asyncio.to_thread(_count, self.cloud)


def _count(cloud: RunningSandbox) -> tuple[int, int, int]:
    """Return changes, all calls of Route 53, and how many were throttled."""
    regions = cloud.admin.state()["regions"].values()
    calls = [item for each in regions for item in each["calls"].items()]
    throttled = [item for each in regions for item in each["throttled"].items()]
    return (
        sum(number for api, number in calls if api == _CHANGE),
        sum(number for api, number in calls if api.startswith("route53.")),
        sum(number for api, number in throttled if api.startswith("route53.")),
    )


def _upserts(cloud: RunningSandbox, size: int, sample: int) -> Names:
    """Write some records one by one, as often as they are throttled, and reckon up."""
    array = named_array("upserts", size)
    held = {rank: a_member(array, rank) for rank in range(size)}
    naming = msgspec.structs.replace(NAMING, base=cloud.dns_base)
    records = list(wanted_of(array, held, leaving=frozenset(), naming=naming).records.values())
    before, begun = _count(cloud), time.perf_counter()
    for record in records[:sample]:
        _upsert(cloud, record)
    seconds = time.perf_counter() - begun
    changes, _, throttled = (b - a for a, b in zip(before, _count(cloud), strict=True))
    share = len(records) / sample
    return Names(
        what=f"one UPSERT per record (reckoned from {sample})",
        members=size,
        changes=round(changes * share),
        calls=round(changes * share),
        throttled=round(throttled * share),
        seconds=seconds * share,
    )


def _upsert(cloud: RunningSandbox, record: Record) -> None:
    client = cloud.client("route53")
    while True:
        try:
            client.change_resource_record_sets(
                HostedZoneId=cloud.dns_zone_id,
                ChangeBatch={
                    "Changes": [
                        {
                            "Action": "UPSERT",
                            "ResourceRecordSet": {
                                "Name": record.name,
                                "Type": record.type,
                                "TTL": int(record.ttl.total_seconds()),
                                "ResourceRecords": [{"Value": each} for each in record.values],
                            },
                        }
                    ]
                },
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "Throttling":
                raise
            time.sleep(0.2)  # noqa: TID251 - a script waits so
        else:
            return


@asynccontextmanager
async def _service(cloud: RunningSandbox, url: str) -> AsyncGenerator[None]:
    env = {
        "PATH": os.defpath,
        **cloud.environment(),
        "SPAWN_NATS_URL": url,
        "SPAWN_DEPLOYMENT": DEPLOYMENT,
        "SPAWN_DNS_BACKEND": "route53",
        "SPAWN_DNS_BASE": cloud.dns_base,
        "SPAWN_DNS_ZONE_ID": cloud.dns_zone_id,
    }
    with (cloud.state / "dns.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            [sys.executable, "-P", "-m", "spawn.runtime.host", "dns"],
            env=env,
            stderr=log,
            stdout=log,
        )
    try:
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
