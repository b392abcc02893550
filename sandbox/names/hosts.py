"""A hosts file for machines: the host's own, and behind it the addresses of the zones.

Machines have it bound over their `/etc/hosts`, so it stays the same file for ever and is changed
while it is read. Each entry has a slot of its own, which lies within a page and is written at
once: a reader sees the entry of before or that of after, never one made of both.
"""

import os
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from sandbox.names.zones import Zone

SLOT = 512
"""Bytes: more than an address and the longest name, and a part of a page."""
_FREE = b"#".ljust(SLOT - 1) + b"\n"

Entry = tuple[str, str]
"""A name and an address."""


class HostsFile:
    """The file. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = 0
        self._slots: list[Entry | None] = []

    def begin(self, base: bytes) -> None:
        """Make the file from the host's own."""
        filler = -(len(base) + 1) % SLOT
        text = base + b"\n" + b"\n" * filler
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(text)
        self._start, self._slots = len(text), []

    def show(self, zones: Iterable[Zone]) -> None:
        """Let the file have the zones' addresses that are machines': those of loopback."""
        wanted = dict.fromkeys(
            entry
            for zone in zones
            for entry in zone.addresses()
            if ip_address(entry[1]).is_loopback and _is_plain(entry[0])
        )
        known = set(self._slots)
        missing = [entry for entry in wanted if entry not in known]
        with self.path.open("r+b") as file:
            for number, entry in enumerate(self._slots):
                if entry is not None and entry not in wanted:
                    self._put(file.fileno(), number, None)
            free = [n for n, entry in enumerate(self._slots) if entry is None]
            for entry in missing:
                number = free.pop(0) if free else self._extend()
                self._put(file.fileno(), number, entry)

    def _extend(self) -> int:
        self._slots.append(None)
        return len(self._slots) - 1

    def _put(self, descriptor: int, number: int, entry: Entry | None) -> None:
        os.pwrite(descriptor, _line(entry), self._start + number * SLOT)
        self._slots[number] = entry


def _line(entry: Entry | None) -> bytes:
    if entry is None:
        return _FREE
    name, address = entry
    return f"{address} {name}".encode().ljust(SLOT - 1) + b"\n"


def _is_plain(name: str) -> bool:
    """Tell whether a name can stand in a hosts file."""
    return name.isascii() and not set(name) & set(' \t\\*#"')
