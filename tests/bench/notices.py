"""A burst of warnings: how soon the machines of many arrays know who leaves."""

import asyncio
from collections import Counter
from datetime import timedelta

from spawn.bus import codec
from spawn.bus.connection import Bus, connect
from spawn.bus.message import Message
from spawn.bus.settings import BusSettings
from spawn.contracts.assignments import Tell
from spawn.contracts.ids import ArrayId
from spawn.runtime.supervisor.bus_config import SERVICES_INBOX
from tests.bench.ours import Launcher
from tests.bench.plane import Control
from tests.bench.results import Burst

_PATIENCE = timedelta(seconds=120)
_LEAD = 900
"""Seconds: nothing is taken away while it is measured."""


class _Ears:
    """What the machines of some arrays hear: each array's shared subject, as all of them do."""

    def __init__(self, control: Control, expected: int) -> None:
        self._clock = control.clock
        self._expected = expected
        self.heard: Counter[tuple[ArrayId, str]] = Counter()
        self.last = 0.0
        self.all = asyncio.Event()

    async def listen(self, bus: Bus, arrays: list[ArrayId]) -> None:
        """Hear what all machines of these arrays are told."""
        for array in arrays:
            await bus.wire.subscribe(f"spawn.tell.{array}.all", self._hear)

    async def _hear(self, message: Message) -> None:
        told = codec.decode(message.data, Tell).notice
        if told is None:
            return
        array = ArrayId(message.subject.split(".")[2])
        self.heard[array, told.instance_id] += 1
        self.last = self._clock.monotonic()
        if len(self.heard) == self._expected:
            self.all.set()


async def burst(ours: Launcher, *, arrays: int, size: int) -> Burst:
    """Warn of every instance of many spot arrays at once, on a cloud without throttles."""
    control = ours.control
    region = control.cloud.next_region()
    control.cloud.stop_throttling()
    made = await _launch(ours, region, arrays=arrays, size=size)
    ears = _Ears(control, arrays * size)
    settings = BusSettings(
        nats_url=control.state.bus_url,
        nats_creds=str(control.plane.home.creds("services")),
        nats_inbox=SERVICES_INBOX,
    )
    async with connect(settings, name="ears", patient=False, clock=control.clock) as bus:
        await ears.listen(bus, made)
        before = control.writes()["SPAWN_EVENTS"]
        begun = control.clock.monotonic()
        for array in made:
            await asyncio.to_thread(control.cloud.interrupt, array, _LEAD)
        sent = control.clock.monotonic() - begun
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            await ears.all.wait()
        events = await _events(control, before, arrays * size)
    await ours.end(*made)
    control.cloud.fill_buckets()
    return Burst(
        arrays=arrays,
        size=size,
        sent=sent,
        told=ears.last - begun,
        doubled=sum(count > 1 for count in ears.heard.values()),
        events=events,
    )


async def _launch(ours: Launcher, region: str, *, arrays: int, size: int) -> list[ArrayId]:
    """Launch the arrays; return them once the region's queue is read."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ours.launch(region, size, spot=True)) for _ in range(arrays)]
    made = [task.result()[0] for task in tasks]
    async with asyncio.timeout(_PATIENCE.total_seconds()):
        while not await asyncio.to_thread(ours.control.cloud.hears, region):
            await ours.control.clock.sleep(timedelta(milliseconds=100))
    return made


async def _events(control: Control, before: int, expected: int) -> int:
    """Return how many events were stored, once there are as many as are expected."""
    async with asyncio.timeout(_PATIENCE.total_seconds()):
        while (found := control.writes()["SPAWN_EVENTS"] - before) < expected:
            await control.clock.sleep(timedelta(milliseconds=50))
    return found
