"""The IAM broker's world over the real doors."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from services.iam_broker.config import Settings
from services.iam_broker.model import ArrayUse
from services.iam_broker.ports import Answering, Stores, World
from spawn.aws.clients import FALLBACK_REGION
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.bus.callout import answering
from spawn.bus.clients import Clients
from spawn.bus.connection import Bus, connect
from spawn.bus.fences import Fences
from spawn.bus.issuing import Issuer
from spawn.bus.once import Once
from spawn.bus.publish import Events
from spawn.bus.settings import BusSettings
from spawn.bus.stores import Store
from spawn.contracts import arrays, grants, members
from spawn.contracts.identities import ACCOUNT
from spawn.errors import Rejected
from spawn.runtime.context import Context
from spawn.runtime.settings import load


@asynccontextmanager
async def open_world(context: Context[Settings]) -> AsyncGenerator[World]:
    """Open AWS, and connect as those whom the server asks and obeys, where they are named."""
    bus = context.bus
    async with AsyncExitStack() as stack:
        aws = await stack.enter_async_context(
            open_aws(load(AwsSettings, prefix="SPAWN_AWS_"), context.clock)
        )
        yield World(
            settings=context.settings,
            deployment=context.deployment,
            region=aws.region or FALLBACK_REGION,
            clock=context.clock,
            events=Events(bus),
            fences=Fences(bus, holder=context.replica),
            stores=Stores(
                grants=Store(bus, grants.BUCKET, grants.Grant),
                arrays=Store(bus, arrays.BUCKET, ArrayUse),
                members=Store(bus, members.BUCKET, members.Member),
            ),
            aws=aws,
            once=Once(bus),
            answering=await _answering(context, stack),
            clients=await _clients(context, stack),
        )


async def _answering(context: Context[Settings], stack: AsyncExitStack) -> Answering | None:
    settings = context.settings
    if not settings.callout_creds or not settings.callout_seed:
        return None
    try:
        seed = await asyncio.to_thread(Path(settings.callout_seed).read_bytes)
    except OSError as error:
        raise Rejected(
            f"SPAWN_CALLOUT_SEED={settings.callout_seed} can't be read: {error.strerror}",
            field="SPAWN_CALLOUT_SEED",
        ) from error
    bus = await _connected(context, stack, settings.callout_creds)
    return partial(answering, bus, Issuer(seed.strip()))


async def _clients(context: Context[Settings], stack: AsyncExitStack) -> Clients | None:
    creds = context.settings.system_creds
    return Clients(await _connected(context, stack, creds), ACCOUNT) if creds else None


async def _connected(context: Context[Settings], stack: AsyncExitStack, creds: str) -> Bus:
    """Connect to the bus of this process as another user."""
    settings = msgspec.structs.replace(load(BusSettings), nats_creds=creds, nats_inbox="")
    name = f"{context.service} {Path(creds).stem}"
    return await stack.enter_async_context(
        connect(settings, name=name, patient=True, clock=context.clock)
    )
