"""One process of the launcher on a control plane of fakes: it may die at any call."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.launcher.handlers.commands import on_launch, on_terminate
from services.launcher.handlers.drive import drive_arrays
from services.launcher.handlers.expiry import on_expire
from services.launcher.handlers.mirror import (
    mirror_arrays,
    mirror_leases,
    mirror_members,
    mirror_notices,
)
from services.launcher.handlers.observe import observe_regions
from services.launcher.handlers.power import on_power
from services.launcher.handlers.upkeep import purge
from services.launcher.ports import World
from spawn.bus.ports import Command
from spawn.contracts.launches import Launch, Terminate
from spawn.contracts.lease_records import Expire
from spawn.contracts.power import Power
from spawn.errors import Outcome, Transient
from tests.services.launcher.model import power as supply
from tests.services.launcher.model.power import Crash

if TYPE_CHECKING:
    from tests.services.launcher.model.plane import Plane

ACK_WAIT = 30.0

Body = Launch | Terminate | Expire | Power


class Replica:
    """One process of the launcher."""

    def __init__(self, plane: "Plane", name: str) -> None:
        self.name, self.power, self._plane = name, supply.Power(), plane
        self.world = plane.world(self.power, name)
        self.task = plane.loop.create_task(self._run())

    async def _run(self) -> None:
        parts = (
            mirror_arrays,
            mirror_members,
            mirror_leases,
            mirror_notices,
            drive_arrays,
            observe_regions,
            self._consume,
        )
        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(self._keep(part))
                group.create_task(self._purge())
                await self.power.fail()
        except* Crash:
            self._plane.deaths.append(self._plane.loop.seconds)

    async def _keep(self, part: Callable[[World], Awaitable[None]]) -> None:
        while True:
            try:
                await part(self.world)
            except Exception as error:  # noqa: BLE001 - kept for the test to look at
                self._plane.failures.append(error)
            await self._plane.clock.sleep(timedelta(seconds=1))

    async def _purge(self) -> None:
        while True:
            with suppress(Outcome):
                await purge(self.world)
            await self._plane.clock.sleep(timedelta(minutes=1))

    async def _consume(self, world: World) -> None:
        while True:
            command = await self._plane.next_command()
            try:
                await _handle(command, world)
            except Transient:
                self._plane.again(command, after=1.0)
            except Outcome as outcome:
                self._plane.refused[command.message_id] = outcome
            except (Crash, asyncio.CancelledError):
                self._plane.again(command, after=ACK_WAIT)
                raise
            else:
                self._plane.done.add(command.message_id)


async def _handle(command: Command[Any], world: World) -> None:
    if isinstance(command.body, Launch):
        await on_launch(command, world)
    elif isinstance(command.body, Power):
        await on_power(command, world)
    elif isinstance(command.body, Expire):
        await on_expire(command, world)
    else:
        await on_terminate(command, world)
