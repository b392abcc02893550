"""The DNS service's world over the real doors."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import assert_never

from services.dns.adapters.rfc2136 import Key, UpdatedZone
from services.dns.config import Backend, Settings
from services.dns.model import Naming
from services.dns.ports import Stores, World, ZonePort
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.bus.fences import Fences
from spawn.bus.publish import Events
from spawn.bus.stores import Store
from spawn.contracts import arrays, hostnames, members
from spawn.contracts.hostnames import check_base
from spawn.contracts.zones import is_under
from spawn.errors import Rejected
from spawn.runtime.context import Context
from spawn.runtime.files import read_private
from spawn.runtime.settings import load

_LONGEST_TTL = timedelta(days=1)


@asynccontextmanager
async def open_world(context: Context[Settings]) -> AsyncGenerator[World]:
    """Open the zone and name the buckets. Raises `Rejected` for settings that can't be used."""
    bus, settings = context.bus, context.settings
    async with AsyncExitStack() as stack:
        zone = await _zone(context, stack)
        yield World(
            settings=settings,
            deployment=context.deployment,
            clock=context.clock,
            stores=Stores(
                hostnames=Store(bus, hostnames.BUCKET, hostnames.Hostnames),
                arrays=Store(bus, arrays.BUCKET, arrays.Array),
                members=Store(bus, members.BUCKET, members.Member),
                marks=Store(bus, arrays.BUCKET, arrays.DeploymentMark),
            ),
            events=Events(bus),
            fences=Fences(bus, holder=context.replica),
            zone=zone,
            naming=Naming(
                deployment=context.deployment,
                base=settings.dns_base.lower().removesuffix("."),
                ttl=settings.dns_ttl,
                address=settings.dns_address,
            ),
        )


async def _zone(context: Context[Settings], stack: AsyncExitStack) -> ZonePort | None:
    settings = context.settings
    if settings.dns_backend is Backend.NONE:
        return None
    base = check_base(settings.dns_base, field="SPAWN_DNS_BASE")
    if not timedelta(seconds=1) <= settings.dns_ttl <= _LONGEST_TTL:
        raise Rejected("SPAWN_DNS_TTL: use 1s to 1d", field="SPAWN_DNS_TTL")
    match settings.dns_backend:
        case Backend.ROUTE53:
            zone_id = _needed(settings.dns_zone_id, "SPAWN_DNS_ZONE_ID")
            loaded = load(AwsSettings, prefix="SPAWN_AWS_")
            aws = await stack.enter_async_context(open_aws(loaded, context.clock))
            return aws.hosted_zone(zone_id, base=base)
        case Backend.RFC2136:
            return await _updated_zone(settings, base)
        case _:
            assert_never(settings.dns_backend)


async def _updated_zone(settings: Settings, base: str) -> UpdatedZone:
    zone = check_base(settings.dns_zone or base, field="SPAWN_DNS_ZONE")
    if not is_under(base, zone):
        raise Rejected(
            f"SPAWN_DNS_BASE={base!r} is not in SPAWN_DNS_ZONE={zone!r}", field="SPAWN_DNS_ZONE"
        )
    server = _needed(settings.dns_server, "SPAWN_DNS_SERVER")
    return UpdatedZone(server, zone=zone, base=base, key=await signing_key(settings))


async def signing_key(settings: Settings) -> Key:
    """Return the key that updates are signed with; one without a name where none is set.

    Raises `Rejected` for half a key, and for a file that can't be read or that others may read.
    """
    if not settings.dns_tsig_name and not settings.dns_tsig_file:
        return Key("", "", settings.dns_tsig_algorithm)
    name = _needed(settings.dns_tsig_name, "SPAWN_DNS_TSIG_NAME")
    path = Path(_needed(settings.dns_tsig_file, "SPAWN_DNS_TSIG_FILE"))
    secret = await asyncio.to_thread(read_private, path, variable="SPAWN_DNS_TSIG_FILE")
    return Key(name, secret.strip(), settings.dns_tsig_algorithm)


def _needed(value: str, variable: str) -> str:
    if not value:
        raise Rejected(f"{variable} is not set; the backend needs it", field=variable)
    return value
