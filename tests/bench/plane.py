"""The control plane under measurement: started by the real command, asked from the outside."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psutil
from prometheus_client.parser import text_string_to_metric_families

from spawn.bus.connection import Bus, connect
from spawn.bus.settings import BusSettings
from spawn.runtime.home import ControlState
from spawn.runtime.supervisor.probe import ask
from tests.bench.cloud import Cloud
from tests.fixtures.control import Plane, plane_in

MIB = 1024 * 1024
CONTROL = ("supervisor", "nats-server", "services")
"""The processes of the control plane; the laptop cloud is not one."""


class Lag:
    """What the event loop's own metric says of its stalls so far."""

    def __init__(self, exposition: str) -> None:
        self.longest = 0.0
        self.held = 0.0
        self._counts: dict[float, float] = {}
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                if sample.name == "spawn_runtime_loop_lag_max_seconds":
                    self.longest = sample.value
                elif sample.name == "spawn_runtime_loop_held_max_seconds":
                    self.held = sample.value
                elif sample.name == "spawn_runtime_loop_lag_seconds_bucket":
                    self._counts[float(sample.labels["le"])] = sample.value

    def since(self, before: "Lag") -> float:
        """Return a time that no stall since `before` was longer than."""
        if self.longest > before.longest:
            return self.longest
        below = 0.0
        bound = 0.0
        for limit, count in sorted(self._counts.items()):
            here = count - before._counts.get(limit, 0.0)
            if here > below:
                bound, below = limit, here
        return min(bound, self.longest)


class Seen:
    """The control plane at one moment: stores written, processor time, stalls."""

    def __init__(self, control: "Control") -> None:
        self.writes = control.writes()
        self.cpu = control.cpu()
        self.lag = control.lag()


class Control:
    """A running control plane, its bus and its cloud."""

    def __init__(self, plane: Plane, bus: Bus) -> None:
        self.plane = plane
        self.bus = bus
        self.state = plane.state()
        self.clock = plane.clock
        assert self.state.sandbox is not None
        self.cloud = Cloud(self.state.sandbox, plane.home.sandbox)
        self._processes = _processes(self.state)

    @property
    def deployment(self) -> str:
        return self.state.deployment

    def writes(self) -> dict[str, int]:
        """Return how many messages each stream has ever stored."""
        _, body = ask(f"{self.state.monitor_url}/jsz?streams=true")
        accounts: list[dict[str, Any]] = json.loads(body)["account_details"]
        streams = (each for account in accounts for each in account["stream_detail"])
        return {each["name"]: each["state"]["last_seq"] for each in streams}

    def cpu(self) -> dict[str, float]:
        """Return the processor seconds of each process so far."""
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: used.user + used.system for name, used in times.items()}

    async def share(self, duration: timedelta) -> float:
        """Return which part of one core the control plane uses in the time to come."""
        before = self.cpu()
        await self.clock.sleep(duration)
        after = self.cpu()
        return sum(after[name] - before[name] for name in CONTROL) / duration.total_seconds()

    def memory(self) -> dict[str, float]:
        """Return the resident memory of each process of the control plane, in MiB."""
        return {name: self._processes[name].memory_info().rss / MIB for name in CONTROL}

    def lag(self) -> Lag:
        """Return the stalls of the event loop so far."""
        run = json.loads(self.plane.home.run_file("services").read_text())
        _, body = ask(run["metrics_url"])
        return Lag(body.decode())

    async def seen(self) -> Seen:
        """Look at everything."""
        return await asyncio.to_thread(Seen, self)


def _processes(state: ControlState) -> dict[str, psutil.Process]:
    children = {child.name: psutil.Process(child.process.pid) for child in state.children}
    return {"supervisor": psutil.Process(state.supervisor.pid), **children}


@asynccontextmanager
async def control(root: Path, *, machines: bool = False, **env: str) -> AsyncGenerator[Control]:
    """Start a control plane of its own, and end it with the block.

    Without `machines` instances stand alone: what machines do is not the launcher's.
    """
    planes = cast("AsyncGenerator[Plane]", plane_in(root))
    async with aclosing(planes):
        plane = await anext(planes)
        chosen = env if machines else {"SPAWN_AGENT_FILE": "", **env}
        up = await plane.run("up", "--sandbox", "--detach", **chosen)
        assert up.code == 0, up.err
        state = plane.state()
        settings = BusSettings(nats_url=state.bus_url, nats_creds=str(plane.home.creds("cli")))
        async with connect(settings, name="bench", patient=False, clock=plane.clock) as bus:
            yield Control(plane, bus)
