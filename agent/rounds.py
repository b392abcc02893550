"""Asking for the assignment: on every connect, every 30 s and when nudged; and acting on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from datetime import timedelta
from typing import Callable

from agent import deadman
from agent.accounts import peers_account
from agent.console import say
from agent.link import Away, Link, Refused
from agent.orders import Assignment, Unreadable, read_now
from agent.pages import ask_peers
from agent.rendezvous import Rendezvous
from agent.state import Machine, Orders

ASK_EVERY = timedelta(seconds=30)
_MOST_SILENT = 2
"""Questions in a row without any answer after which a connection is given up."""


class Rounds:
    """One question at a time, and all that follows from its answer."""

    def __init__(self, machine: Machine, orders: Orders, rendezvous: Rendezvous) -> None:
        self._machine = machine
        self._orders = orders
        self._rendezvous = rendezvous
        self._due = asyncio.Event()
        self._silent = 0
        self._skew = timedelta()
        self._heard: bool | None = None

    def nudge(self) -> None:
        """Ask now."""
        self._due.set()

    async def run(self, link: Link, hello: Callable[[Assignment], Awaitable[None]]) -> None:
        """Ask for ever; `hello` is awaited with the first answer, and when it is owed again."""
        late = False
        while True:
            await link.open.wait()
            self._due.clear()
            try:
                assignment = await self._assignment(link)
                if self._owes_hello(assignment, late=late):
                    await hello(assignment)
                await self._peers(link, assignment)
            except (Away, Refused, Unreadable) as error:
                say(f"assignment: {error}")
            late = not await self._is_nudged()

    def _owes_hello(self, assignment: Assignment, *, late: bool) -> bool:
        """Say whether to say hello: first, and when the launcher has lost it, or never got it."""
        before, self._heard = self._heard, assignment.heard
        return before is None or (not assignment.heard and (before or late))

    async def _is_nudged(self) -> bool:
        """Wait until it is time to ask again; say whether somebody said so."""
        try:
            await asyncio.wait_for(self._due.wait(), ASK_EVERY.total_seconds())
        except asyncio.TimeoutError:
            return False
        return True

    async def _assignment(self, link: Link) -> Assignment:
        machine = self._machine
        asked = machine.clock.now()
        try:
            data = await link.ask(machine.subjects.assignment, self._ask())
        except Away:
            self._silent += 1
            if self._silent >= _MOST_SILENT:
                self._silent = 0
                link.doubt()
            raise
        skew = deadman.skew_of(read_now(data), asked, machine.clock.now())
        self._skew = self._skew if skew is None else skew
        self._silent = 0
        link.confirm()
        assignment = await self._orders.set(data)
        if not deadman.is_armed(machine.places, assignment, self._skew):
            is_change = deadman.armed_lease(machine.places) is not None
            try:
                await deadman.arm(machine, assignment, self._skew)
            except deadman.NotArmed as error:
                say(f"FAILED: arming the dead-man switch: {error}")
            else:
                if is_change:
                    self._orders.armed.set()
        return assignment

    async def _peers(self, link: Link, assignment: Assignment) -> None:
        if not self._rendezvous.is_stale(assignment):
            return
        machine = self._machine

        async def ask(page: int) -> bytes:
            return await link.ask(machine.subjects.peers, self._ask(page))

        peers = await ask_peers(ask)
        root, user = machine.config.root, assignment.job.login_user
        account = await asyncio.to_thread(peers_account, root, user)
        await self._rendezvous.write(assignment, peers, account)

    def _ask(self, page: int = 0) -> bytes:
        current = self._orders.current
        generation = current.generation if current else self._machine.config.generation
        return json.dumps({"generation": generation, "page": page}).encode()
