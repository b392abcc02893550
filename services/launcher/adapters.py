"""The launcher's world over the real doors."""

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

import msgspec

from services.launcher.config import Settings
from services.launcher.ports import Agent, Stores, World
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.bus.fences import Fences
from spawn.bus.publish import Events, Tells
from spawn.bus.requests import Requests, count_replicas
from spawn.bus.stores import Store
from spawn.contracts import arrays, hostnames, launches, lease_records, members, notices
from spawn.errors import Rejected
from spawn.runtime.context import Context
from spawn.runtime.settings import load


@asynccontextmanager
async def open_world(context: Context[Settings]) -> AsyncGenerator[World]:
    """Open AWS and name the buckets; the region of AWS's own configuration is always swept."""
    bus, settings = context.bus, context.settings
    async with open_aws(load(AwsSettings, prefix="SPAWN_AWS_"), context.clock) as aws:
        swept = {*settings.regions, aws.region} - {""}
        yield World(
            settings=msgspec.structs.replace(settings, regions=tuple(sorted(swept))),
            deployment=context.deployment,
            clock=context.clock,
            stores=Stores(
                arrays=Store(bus, arrays.BUCKET, arrays.Array),
                names=Store(bus, arrays.BUCKET, arrays.NameClaim),
                marks=Store(bus, arrays.BUCKET, arrays.DeploymentMark),
                members=Store(bus, members.BUCKET, members.Member),
                specs=Store(bus, launches.SPECS_BUCKET, launches.JobSpec),
                hostnames=Store(bus, hostnames.BUCKET, hostnames.Hostnames),
                leases=Store(bus, lease_records.BUCKET, lease_records.LeaseRecord),
                notices=Store(bus, notices.BUCKET, notices.Notice),
            ),
            events=Events(bus),
            fences=Fences(bus, holder=context.replica),
            tells=Tells(bus),
            requests=Requests(bus),
            aws=aws,
            agent=await asyncio.to_thread(load_agent, settings),
            count_replicas=partial(count_replicas, bus, context.service),
        )


_TEMPLATE = "boot/user-data.sh"
"""Where the boot script lies inside of the agent's archive."""


def load_agent(settings: Settings) -> Agent | None:
    """Read the agent that machines are given; raise `Rejected` when the file is none."""
    if not settings.agent_file:
        return None
    try:
        content = Path(settings.agent_file).read_bytes()
        with zipfile.ZipFile(BytesIO(content)) as archive:
            template = archive.read(_TEMPLATE).decode()
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise Rejected(
            f"SPAWN_AGENT_FILE={settings.agent_file} is not what `make agent` builds: {error}",
            field="SPAWN_AGENT_FILE",
        ) from error
    return Agent(
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        template=template,
        bus_url=settings.machine_bus_url or settings.bus_advertise,
        bus_fingerprint=settings.bus_fingerprint,
    )
