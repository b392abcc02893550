"""Names of one sandbox: its Route 53, its name server, and the hosts file of its machines."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from sandbox.ec2.cloud import Cloud
from sandbox.moto_server import MotoServer
from sandbox.names.hosts import HostsFile
from sandbox.names.server import serving
from sandbox.names.zones import Zones
from sandbox.route53 import wrappers

_HOSTS_OF_HOST = Path("/etc/hosts")


class Named(NamedTuple):
    """Where names are asked for, and the zone that there is from the start."""

    port: int
    zone_id: str
    base: str


def hosts_file(state: Path) -> Path:
    """Return where the machines' hosts file is."""
    return state.resolve() / "hosts"


@asynccontextmanager
async def naming(
    state: Path, host: str, *, cloud: Cloud, moto: MotoServer
) -> AsyncGenerator[Named]:
    """Have names inside the block."""
    hosts = HostsFile(hosts_file(state))
    hosts.begin(_of_host())
    zones = Zones(hosts.show)
    uninstall = wrappers.install(cloud, zones)
    try:
        zone_id = await moto.run(wrappers.make_zone)
        async with serving(host, 0, zones.now) as port:
            yield Named(port, zone_id, wrappers.BASE)
    finally:
        uninstall()


def _of_host() -> bytes:
    return _HOSTS_OF_HOST.read_bytes() if _HOSTS_OF_HOST.exists() else b""
