"""The launcher's world over the real doors."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from services.launcher.config import Settings
from services.launcher.ports import Stores, World
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.bus.fences import Fences
from spawn.bus.publish import Events
from spawn.bus.requests import count_replicas
from spawn.bus.stores import Store
from spawn.contracts import arrays, launches, members
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
            ),
            events=Events(bus),
            fences=Fences(bus, holder=context.replica),
            aws=aws,
            count_replicas=partial(count_replicas, bus, context.service),
        )
