"""All machines: each follows the state of its instance, and moves it when it powers off."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sandbox.behaviours import Behaviours
from sandbox.ec2 import lifecycle
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.interruptions import shown
from sandbox.ec2.records import InstanceId, Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.machines import leftovers
from sandbox.machines.facts import Facts, read_facts
from sandbox.machines.folder import Folder
from sandbox.machines.listing import Running
from sandbox.machines.machine import Bootable, Ending, Machine
from sandbox.machines.metadata import Metadata
from sandbox.machines.network import is_loopback
from sandbox.machines.role import Roles
from sandbox.machines.variables import Endpoints, variables
from sandbox.moto_server import MotoServer
from sandbox.naming import hosts_file
from sandbox.request import AccountId, Region
from spawn.clock import Clock
from spawn.telemetry.log import get_logger

MOST = max(8, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (96 * 1024**2))
"""Machines that this host carries: each needs some 25 MB, and a job of its own."""

_GRACE = timedelta(seconds=3)
"""What EC2's order to stop leaves to processes; a reboot leaves the same."""
_LAST_GRACE = timedelta(seconds=1)
_LEAVING = frozenset({State.STOPPING, State.SHUTTING_DOWN})

_log = get_logger(__name__)


class Ground(NamedTuple):
    """What machines stand on; `host` is the environment of this process."""

    state: Path
    cloud: Cloud
    moto: MotoServer
    behaviours: Behaviours
    host: Mapping[str, str]


class Fleet:
    """The machines of one sandbox; `sandbox.ec2.cloud.Machines` to its instances."""

    def __init__(self, ground: Ground, *, touched: Callable[[], None]) -> None:
        self.endpoint = ""
        """Of the AWS API, set before the first instance runs."""
        self._ground = ground
        self._folder = ground.state.resolve() / "machines"
        self._clock: Clock = ground.cloud.clock
        self._touched = touched
        self.instances = Running()
        roles = Roles(ground.moto, self._clock)
        self._metadata = Metadata(roles, self._clock, tags_of=self._tags, shown_of=self._shown)
        self._machines: dict[InstanceId, Machine] = {}
        self._boots: dict[InstanceId, int] = {}
        self._living: set[InstanceId] = set()
        self._turns = asyncio.Semaphore(2 * (os.cpu_count() or 1))
        self._loop = asyncio.get_running_loop()
        self._group: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Have machines inside the block; nothing of any is left behind it."""
        await asyncio.to_thread(self._remove_all)
        await self._metadata.start()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                yield
                self._group = None
                for machine in self._machines.values():
                    machine.end(grace=_LAST_GRACE)
        finally:
            await self._metadata.close()
            await asyncio.to_thread(self._remove_all)

    def entered(self, region: RegionState, record: Record, state: State) -> None:
        """Boot or end a machine. Moto's thread."""
        self.instances.entered(region, record, state)
        if state is State.RUNNING:
            self._run(region, record)
        elif state in _LEAVING:
            self._loop.call_soon_threadsafe(self._end, record.id)
        elif state is State.TERMINATED:
            self._loop.call_soon_threadsafe(self._clear, record.id)

    def reboot(self, record: Record) -> None:
        """Boot a machine again. Moto's thread."""
        self._loop.call_soon_threadsafe(self._reboot, record.id)

    def lives(self, record: Record) -> bool:
        """Tell whether anything of a machine still runs. Moto's thread."""
        return record.id in self._living

    def console(self, record: Record) -> bytes:
        """Return what a machine wrote to its console. Moto's thread."""
        try:
            return self._of(record.id).console.read_bytes()
        except FileNotFoundError:
            return b""

    def _run(self, region: RegionState, record: Record) -> None:
        if self._ground.behaviours.machines != "real":
            return
        if len(self._living) >= MOST:
            _log.warning("hollow machine: this host has no room for more", instance=record.id)
            return
        try:
            facts = read_facts(region, record)
        except Exception:  # noqa: BLE001  moto fails in many ways when what it needs was deleted
            _log.exception("hollow machine: its instance can't be read", instance=record.id)
            return
        if not is_loopback(facts.network.private_ip):
            _log.warning(
                "hollow machine: its address is not one of this host's",
                instance=record.id,
                address=facts.network.private_ip,
            )
            return
        self._living.add(record.id)
        delay = self._ground.behaviours.boot_delay(facts.rank)
        self._loop.call_soon_threadsafe(self._begin, record.id, facts, delay)

    def _begin(self, instance_id: InstanceId, facts: Facts, delay: timedelta) -> None:
        if self._group is None:
            self._living.discard(instance_id)
            return
        given = Bootable(
            facts=facts,
            folder=self._of(instance_id),
            host=self._ground.host,
            delay=delay,
            user_data_fails=self._ground.behaviours.user_data_fails(facts.rank),
            hosts=hosts_file(self._ground.state),
        )
        boots = self._boots.get(instance_id, 0)
        machine = Machine(given, self._clock, boots=boots, turns=self._turns)
        self._machines[instance_id] = machine
        self._group.create_task(self._see_through(instance_id, machine))

    async def _see_through(self, instance_id: InstanceId, machine: Machine) -> None:
        try:
            ending = await self._live(machine)
        finally:
            del self._machines[instance_id]
            self._boots[instance_id] = machine.boots
            self._living.discard(instance_id)
        await self._ground.moto.run(self._follow, machine.given.facts, ending)
        self._touched()

    async def _live(self, machine: Machine) -> Ending:
        """Have the machine live beside its metadata service."""
        given = machine.given
        try:
            async with self._metadata.serving(given.facts) as metadata:
                endpoints = Endpoints(aws=self.endpoint, metadata=metadata)
                return await machine.live(
                    variables(given.facts, given.folder, given.host, endpoints)
                )
        except OSError:
            # No address, no disk, no processes: one machine breaks, and not the cloud.
            _log.exception("a machine broke", instance=given.facts.instance_id)
            return await machine.break_down()

    def _follow(self, facts: Facts, ending: Ending) -> None:
        """Let the instance's state follow. Moto's thread."""
        cloud = self._ground.cloud
        region = cloud.region(AccountId(facts.account), Region(facts.region))
        instance_id = InstanceId(facts.instance_id)
        record = region.records.by_id.get(instance_id)
        if record is None:
            return
        if ending == "powered-off":
            lifecycle.power_off(cloud, region, record)
        lifecycle.release(cloud, instance_id)

    def _end(self, instance_id: InstanceId) -> None:
        machine = self._machines.get(instance_id)
        if machine is not None:
            machine.end(grace=_GRACE)

    def _reboot(self, instance_id: InstanceId) -> None:
        machine = self._machines.get(instance_id)
        if machine is not None:
            machine.reboot(grace=_GRACE)

    def _clear(self, instance_id: InstanceId) -> None:
        """Take away the disk of a terminated instance; its console can still be read."""
        self._boots.pop(instance_id, None)
        if self._group is not None:
            self._group.create_task(asyncio.to_thread(_empty, self._of(instance_id)))

    async def _tags(self, facts: Facts) -> dict[str, str]:
        region = self._ground.cloud.region(AccountId(facts.account), Region(facts.region))
        return await self._ground.moto.run(lambda: dict(region.tags(facts.instance_id)))

    def _shown(self, facts: Facts) -> dict[str, str]:
        region = self._ground.cloud.region(AccountId(facts.account), Region(facts.region))
        record = region.records.by_id.get(InstanceId(facts.instance_id))
        return shown(record, now=self._clock.monotonic()) if record is not None else {}

    def _of(self, instance_id: str) -> Folder:
        return Folder(self._folder / instance_id)

    def _remove_all(self) -> None:
        if not self._folder.exists():
            return
        leftovers.kill_below(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)


def _empty(folder: Folder) -> None:
    for path in (folder.root, folder.shims):
        shutil.rmtree(path, ignore_errors=True)
    for path in (folder.plan, folder.enter):
        path.unlink(missing_ok=True)


def hollow_because() -> str:
    """Return why this host can't have real machines; nothing when it can."""
    if sys.platform == "linux":
        return ""
    return f"real machines need Linux's loopback network and /proc; this is {sys.platform}"
