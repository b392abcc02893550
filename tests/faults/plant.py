"""A control plane of tests: its own bus, launchers to start and kill, a shared laptop cloud."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec

from spawn.bus.connection import Bus
from spawn.bus.follow import follow, from_first
from spawn.bus.ports import CaughtUp, Followed
from spawn.bus.publish import Commands
from spawn.bus.stores import Store
from spawn.contracts import arrays, members
from spawn.contracts.arrays import Array, NameClaim, name_key
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, array_id
from spawn.contracts.launches import (
    SUBJECT_LAUNCH,
    SUBJECT_TERMINATE,
    Launch,
    LaunchSpec,
    Terminate,
)
from spawn.contracts.members import Member
from spawn.errors import NotFound
from spawn.runtime.settings import environment
from tests.faults.counting import DONE, Kill
from tests.faults.host import Start, start
from tests.fixtures.nats import NatsServer, connected, running_server
from tests.fixtures.sandbox import RunningSandbox

POLL = timedelta(milliseconds=25)
PATIENCE = timedelta(seconds=90)
"""Far above what anything takes: it ends a test that hangs."""


class Launcher:
    """One launcher process."""

    def __init__(self, process: BaseProcess, journal: Path, log: Path) -> None:
        self._process = process
        self._journal = journal
        self._log = log

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def journal(self) -> list[str]:
        """Return the beginnings and ends of the door calls so far."""
        return self._journal.read_text().splitlines() if self._journal.exists() else []

    def calls(self) -> list[str]:
        """Return the door calls so far, by name."""
        return [line for line in self.journal() if not line.endswith(DONE)]

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    async def ended(self) -> int | None:
        """Wait until the process has ended; return its exit code."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        return self._process.exitcode

    async def kill(self) -> None:
        """End the process as kill -9 does."""
        self._process.kill()
        await self.ended()

    async def stop(self) -> int | None:
        """Ask the process to end, and return its exit code."""
        self._process.terminate()
        return await self.ended()


class Plant:
    """One bus, and the launchers of one deployment on it."""

    def __init__(
        self, folder: Path, server: NatsServer, bus: Bus, *, cloud: RunningSandbox, deployment: str
    ) -> None:
        self.server = server
        self.bus = bus
        self.cloud = cloud
        self.deployment = deployment
        self.arrays = Store(bus, arrays.BUCKET, Array)
        self.names = Store(bus, arrays.BUCKET, NameClaim)
        self.members = Store(bus, members.BUCKET, Member)
        self.launchers: list[Launcher] = []
        self.folder = folder

    def start(
        self,
        replica: str = "a",
        *,
        kill: Kill | None = None,
        service: str = "launcher",
        **settings: str,
    ) -> Launcher:
        """Start a service; `settings` are variables without `SPAWN_`, in lower case."""
        number = len(self.launchers)
        log, journal = (self.folder / f"{number}-{replica}.{end}" for end in ("log", "calls"))
        env = {
            **{k: v for k, v in environment().items() if not k.startswith(("AWS_", "SPAWN_"))},
            **self.cloud.environment(),
            "SPAWN_NATS_URL": self.server.url,
            "SPAWN_DEPLOYMENT": self.deployment,
            "SPAWN_REPLICA": replica,
            **{f"SPAWN_{name.upper()}": value for name, value in settings.items()},
        }
        process = start(Start(env=env, log=log, journal=journal, kill=kill, service=service))
        self.launchers.append(Launcher(process, journal, log))
        return self.launchers[-1]

    def id_of(self, name: str, request_id: str = "") -> ArrayId:
        return array_id(
            deployment=self.deployment,
            owner="cli",
            request_id=request_id or f"request-{name}",
            name=name,
        )

    async def launch(
        self, name: str, count: int = 1, *, request_id: str = "", message_id: str = "", **spec: Any
    ) -> ArrayId:
        """Send a launch; its request id is made from its name unless one is given."""
        request_id = request_id or f"request-{name}"
        given: dict[str, Any] = {
            "instance_types": ("t3.micro",),
            "region": self.cloud.region,
            **spec,
        }
        body = Launch(request_id=request_id, spec=LaunchSpec(name=name, count=count, **given))
        message_id = message_id or f"launch:{request_id}"
        await Commands(self.bus).send(SUBJECT_LAUNCH, body, message_id=message_id)
        return self.id_of(name, request_id)

    async def terminate(self, array: ArrayId) -> None:
        await Commands(self.bus).send(
            SUBJECT_TERMINATE, Terminate(array_id=array), message_id=f"terminate:{array}"
        )

    async def array(self, array: ArrayId) -> Array:
        return (await self.arrays.get(array)).value

    async def members_of(self, array: ArrayId) -> list[Member]:
        found = await self.members.load(f"{array}.*")
        return [entry.value for entry in found.values()]

    async def events(self, array: str = "*") -> list[Event]:
        """Return all events so far, or those of one array."""
        found: list[Event] = []
        async with aclosing(follow(self.bus, from_first(f"spawn.evt.{array}.>"))) as items:
            async for item in items:
                if isinstance(item, CaughtUp):
                    break
                found.append(item.event)
        return found

    async def until(self, array: ArrayId, *names: str, count: int = 1) -> Event:
        """Wait for the `count`-th event of the array that has one of these names."""
        source = from_first(f"spawn.evt.{array}.>")
        async with self.patiently(array), aclosing(follow(self.bus, source)) as items:
            async for item in items:
                if isinstance(item, Followed) and item.event.name in names:
                    count -= 1
                    if count == 0:
                        return item.event
        raise AssertionError("a follower never ends by itself")

    async def until_freed(self, name: str) -> None:
        """Wait until the name of an array can be taken again."""
        async with self.patiently(name):
            while True:
                try:
                    await self.names.get(name_key(name))
                except NotFound:
                    return
                await self.bus.clock.sleep(POLL)

    async def until_true(self, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
        async with self.patiently(what):
            while not await holds():
                await self.bus.clock.sleep(POLL)

    @asynccontextmanager
    async def patiently(self, what: str) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                yield
        except TimeoutError:
            raise AssertionError(
                f"waited for {what} in vain\n{await self._explain(what)}"
            ) from None

    async def _explain(self, array: str) -> str:
        records = [
            msgspec.json.encode(each.value).decode()[:2000]
            for each in (await self.arrays.load(array.replace(" ", ""))).values()
        ]
        logs = [launcher.log()[-1500:] for launcher in self.launchers]
        return "\n".join((*records, *logs))


@asynccontextmanager
async def planted(folder: Path, cloud: RunningSandbox, deployment: str) -> AsyncGenerator[Plant]:
    """Give a plant without a launcher; those that are started are killed at the end."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - returns at once
    async with running_server(folder) as server, connected(server) as bus:
        plant = Plant(folder, server, bus, cloud=cloud, deployment=deployment)
        try:
            yield plant
        finally:
            for launcher in plant.launchers:
                await launcher.kill()
