"""Reports that nobody has acknowledged yet: on disk, in order, each under an id of its own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from agent import places
from agent.clock import Clock
from agent.console import say
from agent.link import Away, Link, Refused
from agent.subjects import Subjects

MOST_BYTES = 32 * 1024 * 1024
"""Bytes of reports that wait; beyond them the oldest of what may be lost goes."""

_RETRY = timedelta(seconds=1)
_MAY_BE_LOST = ("heartbeat", "exec.")
_MALFORMED = "400"


@dataclass(frozen=True)
class Sender:
    """Whose reports these are."""

    subjects: Subjects
    boot_id: str


class Outbox:
    """A queue of files named by their number; one `run` sends them."""

    def __init__(self, folder: Path, sender: Sender, clock: Clock) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock
        self._changed = asyncio.Event()
        self._sent = asyncio.Condition()
        self._putting = asyncio.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._next = int(places.read_json(folder / "next") or 0)

    async def put(self, kind: str, body: dict[str, Any], *, key: str = "") -> None:
        """Keep a report until it is acknowledged; the same `key` is the same report."""
        async with self._putting:
            await asyncio.to_thread(self._put, kind, body, key)
        self._changed.set()

    def _put(self, kind: str, body: dict[str, Any], key: str) -> None:
        number = self._next
        self._next += 1
        # The number is spent before it is used: an id never stands for two reports.
        places.write_json(self._folder / "next", self._next)
        name = key or f"{self._sender.boot_id}/{number}"
        message = {
            "subject": self._sender.subjects.report(kind),
            "id": f"{self._sender.subjects.instance_id}/{kind}/{name}",
            "body": body,
        }
        if kind == "heartbeat":
            for old in self._folder.glob("*-heartbeat"):
                old.unlink(missing_ok=True)
        places.write_json(self._folder / f"{number:012d}-{kind}", message)
        self._bound()

    def _bound(self) -> None:
        waiting = self._waiting()
        total = sum(_size(path) for path in waiting)
        for path in waiting:
            if total <= MOST_BYTES:
                return
            if path.name.partition("-")[2].startswith(_MAY_BE_LOST):
                total -= _size(path)
                path.unlink(missing_ok=True)

    def _waiting(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*-*"))

    async def until_sent(self, kind: str) -> None:
        """Wait until no report of a kind waits."""
        async with self._sent:
            while await asyncio.to_thread(lambda: any(self._folder.glob(f"*-{kind}"))):
                await self._sent.wait()

    async def run(self, link: Link) -> None:
        """Send what waits, in order, for ever."""
        while True:
            self._changed.clear()
            for path in await asyncio.to_thread(self._waiting):
                await self._send(path, link)
            await self._changed.wait()

    async def _send(self, path: Path, link: Link) -> None:
        message = await asyncio.to_thread(read_report, path)
        while message is not None:
            await link.open.wait()
            try:
                body = json.dumps(message["body"], separators=(",", ":")).encode()
                await link.store(message["subject"], body, {"Nats-Msg-Id": message["id"]})
                break
            except Refused as error:
                say(f"{message['subject']}: {error}")
                if error.code == _MALFORMED:
                    break
            except Away as error:
                say(f"report waits: {error}")
            await self._clock.sleep(_RETRY)
        await asyncio.to_thread(_remove, path)
        async with self._sent:
            self._sent.notify_all()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def read_report(path: Path) -> Any | None:
    """Return a report's subject, id and body; None when it is gone or torn."""
    try:
        return places.read_json(path)
    except ValueError:
        say(f"{path.name}: unreadable, left out")
        return None
