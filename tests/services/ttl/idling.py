"""An array of two machines that are watched for idleness, minute by minute."""

from datetime import timedelta
from typing import Any

from services.ttl.handlers.course import begin
from services.ttl.handlers.idle import keep_idle_watched
from services.ttl.ports import World
from spawn.bus import codec
from spawn.bus.beside import beside
from spawn.bus.ports import Reported
from spawn.contracts import members
from spawn.contracts.arrays import Array
from spawn.contracts.events import Event
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.lease_records import LeaseRecord, Over
from spawn.contracts.members import Facts, Member, member_key
from spawn.contracts.power import SUBJECT_POWER, Power
from spawn.contracts.reports import Heartbeat
from tests.builders import ARRAY_ID, an_instance, running
from tests.fakes.bus import FakeStore
from tests.services.ttl.worlds import Fakes, living

MINUTE = timedelta(minutes=1)
QUIET: dict[str, Any] = {
    "job_processes": 0,
    "ssh_sessions": 0,
    "cpu_share": 0.004,
    "network_rate": 700.0,
    "disk_rate": 0.0,
    "gpu_share": 0.0,
}
BUSY = {"cpu_share": 0.5}


def idling(**spec: Any) -> Array:
    """Return an array that ends when it is idle for ten minutes."""
    wanted: dict[str, Any] = {"idle_timeout": "10m", **spec}
    return living(spec=LaunchSpec(name="training", count=2, region="us-east-1", **wanted), size=2)


class Rig:
    """A replica that watches an array of two machines, minute by minute."""

    def __init__(self) -> None:
        self.fakes = Fakes()
        self.world = self.fakes.world()

    async def place(self, array: Array, *ranks: Member) -> None:
        store = FakeStore(self.fakes.bus, members.BUCKET, Member)
        await self.fakes.write_array(array)
        for member in ranks or (running(0, facts=Facts()), running(1, facts=Facts())):
            await store.create(member_key(ARRAY_ID, member.rank), member)
        await begin(self.world, ARRAY_ID, array.lease)

    def say(self, rank: int, **signs: Any) -> None:
        beat = Heartbeat(
            generation=0,
            at=self.fakes.clock.now(),
            window_seconds=60,
            **{**QUIET, **signs},
        )
        said = Reported(
            report=beat, array_id=ARRAY_ID, instance_id=an_instance(rank).id, sequence=1
        )
        self.fakes.heartbeats.say(said)

    async def minutes(self, count: int, *signs: dict[str, Any]) -> None:
        """Let minutes pass, at each of which both machines say how they are."""
        for _ in range(count):
            for rank, said in enumerate(signs or ({}, {})):
                self.say(rank, **said)
            await self.fakes.clock.advance(MINUTE)

    async def record(self, key: str = ARRAY_ID) -> LeaseRecord:
        return (await self.world.stores.leases.get(key)).value

    def powers(self) -> list[Power]:
        sent = self.fakes.bus.commands
        return [codec.decode(each.data, Power) for each in sent if each.subject == SUBJECT_POWER]

    def overs(self) -> list[Over]:
        return self.fakes.overs()

    def told(self, name: str) -> list[Event]:
        return [event for event in self.fakes.bus.events if event.name == name]


def watching(world: World) -> Any:
    return beside(keep_idle_watched(world))
