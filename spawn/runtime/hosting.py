"""One service in a process: opened, its parts kept alive, and ended in order."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from spawn.bus.endpoints import serving
from spawn.errors import Rejected
from spawn.runtime.context import Context
from spawn.runtime.health import Health
from spawn.runtime.keep import Final, keep
from spawn.runtime.parts import backgrounds, endpoints, takers
from spawn.runtime.service import AnyService
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


class Hosted:
    """A service and what it is given."""

    def __init__(
        self, service: AnyService, context: Context[Any], *, health: Health, stop: asyncio.Event
    ) -> None:
        self._service = service
        self._context = context
        self._health = health
        self._stop = stop

    async def work(self) -> None:
        """Open and run the service until stopped; what fails is done again.

        Raises `Final` when the service can't be opened as it is set up.
        """
        await self._kept(self._service.name, self._run)

    async def _run(self) -> None:
        try:
            await self._run_once()
        except Exception as error:
            self._health.set_closed(self._service.name, f"{type(error).__name__}: {error}")
            raise

    async def _run_once(self) -> None:
        service, context = self._service, self._context
        async with AsyncExitStack() as stack:
            try:
                world = await stack.enter_async_context(service.open(context))
            except Rejected as rejection:
                raise Final(rejection) from rejection
            answered = endpoints(service, world)
            answering = serving(context.bus, service.name, answered, replica=context.replica)
            await stack.enter_async_context(answering)
            self._health.set_open(service.name)
            _log.info("service open", opened=service.name)
            async with asyncio.TaskGroup() as group:
                # Handlers may lean on what runs beside them, so that ends last.
                behind = [
                    group.create_task(self._kept(name, work))
                    for name, work in backgrounds(service, world).items()
                ]
                await self._take(world)
                for task in behind:
                    task.cancel()

    async def _take(self, world: Any) -> None:
        """Take work in until stopped, and wait for what is being done."""
        parts = takers(self._service, self._context, world, stop=self._stop)
        async with asyncio.TaskGroup() as group:
            for name, work in parts.items():
                group.create_task(self._kept(name, work))
            await self._stop.wait()

    async def _kept(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await keep(name, work, stop=self._stop, clock=self._context.clock)
