"""The service as it is hosted, twice, on a real bus and the laptop cloud's EventBridge and SQS."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from scripts.service_policy import Place
from services.spot_watcher.service import SERVICE
from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.follow import follow, from_first
from spawn.bus.message import Message
from spawn.bus.ports import Followed
from spawn.bus.stores import Store
from spawn.clock import SystemClock
from spawn.contracts import arrays, members, notices
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.assignments import Tell
from spawn.contracts.ids import InstanceId
from spawn.contracts.members import Member, member_key
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind, NoticeSource
from spawn.contracts.reports import NoticeSeen
from tests.builders import ARRAY_ID, a_member, an_instance
from tests.fakes.machine import FakeMachine
from tests.fixtures.hosting import hosted
from tests.fixtures.least_privilege import with_policy
from tests.fixtures.nats import NatsServer
from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.fixtures.streams import dead_letter
from tests.sandbox.iam.identities import ACCOUNT
from tests.sandbox.launches import ids, image, run, until
from tests.services.spot_watcher.worlds import DEPLOYMENT, spot_array

pytestmark = pytest.mark.door

CLOCK = SystemClock()
POLL = timedelta(milliseconds=50)
SIZE = 4
QUEUE = f"spawn-{DEPLOYMENT}-notices"
QUICK = {
    "throttle": {"enabled": False},
    "lifecycle": {"pending": 0.05, "shutting_down": 0.05},
    "notices": {"duplicates": 1.0},
}


@pytest.fixture
def cloud(tmp_path: Any) -> Generator[RunningSandbox]:
    with running_sandbox(tmp_path / "cloud", QUICK) as one:
        yield one


def role_of(cloud: RunningSandbox) -> dict[str, str]:
    """Return the environment of a process whose role has exactly the policy of docs/iam/."""
    place = Place(account=ACCOUNT, deployment=DEPLOYMENT)
    given = with_policy(cloud, "spot_watcher", place).credentials
    return cloud.environment() | {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


async def become(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await CLOCK.sleep(POLL)


class Ours:
    """An array whose instances the laptop cloud has, and one instance that is somebody else's."""

    def __init__(self, cloud: RunningSandbox, bus: Bus) -> None:
        self._cloud, self._bus = cloud, bus
        self.told: list[Tell] = []

    async def write(self) -> None:
        """Launch, and write the records as the launcher does."""
        *mine, self.stranger = await asyncio.to_thread(self._launch)
        array = spot_array(SIZE, state=ArrayState.READY)
        await Store(self._bus, arrays.BUCKET, Array).create(array.id, array)
        for rank, instance_id in enumerate(mine):
            member = a_member(rank, instance=an_instance(rank, id=InstanceId(instance_id)))
            key = member_key(array.id, rank)
            await Store(self._bus, members.BUCKET, Member).create(key, member)
        self.ids = mine
        await self._bus.wire.subscribe(f"spawn.tell.{ARRAY_ID}.>", self._hear)

    def is_set_up(self) -> bool:
        """Say whether every rule has its target."""
        events = self._cloud.client("events")
        rules = events.list_rules(NamePrefix=f"spawn-{DEPLOYMENT}")["Rules"]
        aimed = [events.list_targets_by_rule(Rule=rule["Name"])["Targets"] for rule in rules]
        return len(rules) == 4 and all(aimed)

    def interrupt(self) -> None:
        """Warn of all of them, and have a message there that nobody can read."""
        sqs = self._cloud.client("sqs")
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="poison")
        body = {"instance_ids": [*self.ids, self.stranger], "lead": 600}
        assert len(self._cloud.admin.post("interrupt", body)["instances"]) == SIZE + 1

    async def report(self) -> None:
        """Have every machine say what its metadata service says."""
        for rank, instance_id in enumerate(self.ids):
            machine = FakeMachine(self._bus, ARRAY_ID, rank, InstanceId(instance_id))
            said = NoticeSeen(
                generation=0,
                at=CLOCK.now(),
                kind=NoticeKind.INTERRUPTION,
                action=NoticeAction.TERMINATE,
                dies_at=CLOCK.now() + timedelta(seconds=90),
            )
            await machine.say("notice", said)

    async def heard_of(self) -> list[Notice]:
        """Return the records once each knows of both sources."""
        store = Store(self._bus, notices.BUCKET, Notice)
        async with asyncio.timeout(60):
            while True:
                found = [entry.value for entry in (await store.load()).values()]
                if len(found) == SIZE and all(len(each.sources) == 2 for each in found):
                    return found
                await CLOCK.sleep(POLL)

    def _launch(self) -> list[str]:
        ec2, ami = self._cloud.client("ec2"), image(self._cloud)
        spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
        made = ids(run(ec2, ami, SIZE + 1, **spot))
        until(ec2, "running", made)
        return made

    async def _hear(self, message: Message) -> None:
        self.told.append(codec.decode(message.data, Tell))


async def test_two_replicas_give_one_notice_of_each_instance(
    nats_server: NatsServer, bus: Bus, cloud: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (await asyncio.to_thread(role_of, cloud)).items():
        monkeypatch.setenv(name, value)
    ours = Ours(cloud, bus)
    await ours.write()
    env = {
        "SPAWN_NATS_URL": nats_server.url,
        "SPAWN_DEPLOYMENT": DEPLOYMENT,
        "SPAWN_SPOT_SETUP": "true",
    }
    async with (
        hosted(SERVICE, env | {"SPAWN_REPLICA": "a"}),
        hosted(SERVICE, env | {"SPAWN_REPLICA": "b"}),
    ):
        await become(ours.is_set_up)
        await asyncio.to_thread(ours.interrupt)
        await ours.report()
        records = await ours.heard_of()
        async with asyncio.timeout(60):
            letter = await dead_letter(bus)
        # Its text is kept out: nobody knows what it holds.
        assert letter.subject == f"spawn.dead.sqs.{QUEUE}"
    assert {record.instance_id for record in records} == set(ours.ids)
    assert all(set(record.sources) == set(NoticeSource) for record in records)
    said = await _notices(bus)
    assert [each.event.name for each in said] == ["notice.interruption"] * SIZE
    told = [tell.notice for tell in ours.told if tell.notice is not None]
    assert {notice.instance_id for notice in told} == set(ours.ids)


async def _notices(bus: Bus) -> list[Followed]:
    """Return all notices that were published until now."""
    found: list[Followed] = []
    told = follow(bus, from_first("spawn.evt.*.notice.*"))
    async with asyncio.timeout(30), aclosing(told) as events:
        async for each in events:
            if not isinstance(each, Followed):
                break
            found.append(each)
    return found
