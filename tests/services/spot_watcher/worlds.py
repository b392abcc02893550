"""The spot watcher's world on fakes, without anything that runs by itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.spot_watcher.config import Settings
from services.spot_watcher.handlers.reading import receive, settle
from services.spot_watcher.handlers.setting_up import set_up
from services.spot_watcher.ports import Stores, World
from spawn.aws.shapes import Queue
from spawn.bus.ports import CaughtUp, Entry
from spawn.contracts import arrays, members, notices
from spawn.contracts.arrays import Array
from spawn.contracts.events import Event
from spawn.contracts.ids import InstanceId
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.members import Member
from spawn.contracts.notices import Notice, Told
from tests.builders import a_member, an_array
from tests.fakes.aws import FakeAws
from tests.fakes.bus import FakeBus, FakeCommands, FakeEvents, FakeFences, FakeStore, FakeTells
from tests.fakes.clock import NOON, VirtualClock

DEPLOYMENT = "test"
REGION = "us-east-1"
WARNING = "EC2 Spot Instance Interruption Warning"

Door = Callable[[Any], Any]


class FakeDead:
    """Dead letters by the id of their message: of which queue, the body, and the reason."""

    def __init__(self) -> None:
        self.letters: dict[str, tuple[str, str, str]] = {}

    async def bury(self, queue: str, body: str, *, reason: str, message_id: str) -> None:
        self.letters.setdefault(message_id, (queue, body, reason))


def _bare(door: Any) -> Any:
    return door


@dataclass
class Fakes:
    """What a world stands on, for tests to look at; `world` makes one more replica."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    bus: FakeBus = field(default_factory=FakeBus)
    dead: FakeDead = field(default_factory=FakeDead)
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    array: Array = field(default_factory=lambda: spot_array(4))

    def __post_init__(self) -> None:
        self.aws = FakeAws(self.clock)
        self.members |= {rank: a_member(rank) for rank in range(self.array.size)}

    def world(self, name: str = "a", *, door: Door = _bare) -> World:
        """Make the world of a replica, each of whose doors is passed through `door`.

        Its copies of the records are as they are now.
        """
        settings = Settings(spot_wait=timedelta(0), spot_setup=True)
        world = World(
            settings=settings,
            deployment=DEPLOYMENT,
            region=REGION,
            clock=self.clock,
            stores=Stores(
                notices=door(FakeStore(self.bus, notices.BUCKET, Notice)),
                arrays=door(FakeStore(self.bus, arrays.BUCKET, Array)),
                members=door(FakeStore(self.bus, members.BUCKET, Member)),
            ),
            events=door(FakeEvents(self.bus)),
            tells=door(FakeTells(self.bus)),
            commands=door(FakeCommands(self.bus)),
            fences=FakeFences(self.bus, holder=name),
            dead=self.dead,
            aws=self.aws,
        )
        self._copy_to(world)
        return world

    async def queue(self) -> Queue:
        """Return the region's queue, set up."""
        await set_up(self.world(), REGION)
        return await self.aws.sqs(REGION).find(f"spawn-{DEPLOYMENT}-notices")

    async def read(self, world: World | None = None) -> int:
        """Read the queue once."""
        reader, queue = world or self.world(), await self.queue()
        messages = await receive(reader, REGION, queue)
        if messages:
            await settle(reader, REGION, queue, messages)
        return len(messages)

    def say(self, event: dict[str, Any]) -> None:
        """Tell EventBridge something."""
        self.aws.eventbridge(REGION).say(event)

    def notices(self) -> dict[str, Notice]:
        """Return the records by key."""
        bucket = self.bus.buckets[notices.BUCKET]
        return {
            key: msgspec.json.decode(record.data, type=Notice)
            for key, record in bucket.records.items()
            if record.data is not None
        }

    def said(self) -> list[Event]:
        """Return the events that were published."""
        return self.bus.events

    def told(self) -> list[tuple[str, Told]]:
        """Return what machines were told, with the last token of the subject."""
        return [
            (subject.rpartition(".")[2], tell.notice)
            for subject, tell in self.bus.tells
            if tell.notice is not None
        ]

    def instance(self, rank: int) -> InstanceId:
        """Return the id of a rank's instance."""
        return self.members[rank].instance.id

    def _copy_to(self, world: World) -> None:
        memory = world.memory
        memory.note_array(Entry(self.array.id, self.array, 1))
        memory.note_array(CaughtUp())
        for rank, member in self.members.items():
            memory.note_member(Entry(f"{self.array.id}.{rank}", member, 1))
        memory.note_member(CaughtUp())


def spot_array(size: int, **changes: Any) -> Array:
    """Return an array on spot capacity."""
    spec = LaunchSpec(name="training", count=size, region=REGION, spot=True)
    return an_array(size, **{"spec": spec, **changes})


def warning(
    instance_id: str, *, action: str = "terminate", at: datetime = NOON, **changes: Any
) -> dict[str, Any]:
    """Return EC2's warning, as EventBridge has it."""
    return ec2_event(
        WARNING, {"instance-id": instance_id, "instance-action": action}, at=at, **changes
    )


def ec2_event(
    detail_type: str, detail: dict[str, Any], *, at: datetime = NOON, **changes: Any
) -> dict[str, Any]:
    """Return an event of EC2."""
    return {
        "version": "0",
        "id": "12345678-1234-1234-1234-123456789012",
        "detail-type": detail_type,
        "source": "aws.ec2",
        "account": "123456789012",
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        # Without an account, as it comes at times.
        "resources": [f"arn:aws:ec2:us-east-1b:instance/{detail.get('instance-id', '')}"],
        "detail": detail,
    } | changes


def health(*instance_ids: str, code: str, begins: str, **changes: Any) -> dict[str, Any]:
    """Return an event of AWS Health about scheduled work."""
    detail = {
        "service": "EC2",
        "eventTypeCategory": "scheduledChange",
        "eventTypeCode": code,
        "startTime": begins,
        "eventDescription": [{"language": "en_US", "latestDescription": "work is planned"}],
        "affectedEntities": [{"entityValue": each} for each in instance_ids],
    }
    return ec2_event("AWS Health Event", detail, source="aws.health") | changes


def text(event: dict[str, Any]) -> str:
    """Return an event as a message's body."""
    return json.dumps(event)
