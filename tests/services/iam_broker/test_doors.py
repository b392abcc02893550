"""Who gets in, and what a machine may say and hear."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from nats.errors import Error

from spawn.bus.message import Message
from spawn.clock import SystemClock
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member, MemberState, member_key
from tests.builders import ARRAY_ID, an_instance
from tests.fixtures.doors import Doors
from tests.fixtures.proving import assume, closed, opened, proof
from tests.sandbox.launches import image

pytestmark = pytest.mark.door

CLOCK = SystemClock()


def subject(member: Member, what: str) -> str:
    return f"spawn.agent.{member.array_id}.{member.instance.id}.{what}"


async def test_a_machine_speaks_for_itself(doors: Doors) -> None:
    member = await doors.add(1)
    token = await doors.prove(member.instance.id)
    async with doors.entered(token, member.instance.id) as (client, _):
        stored = await client.jetstream(timeout=20).publish(subject(member, "hello"), b"{}")
        assert stored.stream == "SPAWN_AGENT"
        stored = await client.jetstream(timeout=20).publish(
            f"spawn.log.{member.array_id}.1", b"line\n"
        )
        assert stored.stream == "SPAWN_LOGS"


async def test_a_machine_hears_its_own_nudges_and_those_of_all(doors: Doors) -> None:
    member = await doors.add(1)
    own, everybody = f"spawn.tell.{member.array_id}.{member.instance.id}", "all"
    async with doors.entered(await doors.prove(member.instance.id), member.instance.id) as (it, _):
        heard = [
            await it.subscribe(own),
            await it.subscribe(f"spawn.tell.{member.array_id}.{everybody}"),
        ]
        # A flush may overtake what was subscribed; a report does not.
        await it.jetstream(timeout=20).publish(subject(member, "hello"), b"{}")
        await doors.bus.wire.publish(own, b"1")
        await doors.bus.wire.publish(f"spawn.tell.{member.array_id}.all", b"2")
        assert [(await each.next_msg(timeout=20)).data for each in heard] == [b"1", b"2"]


async def test_a_machine_asks_and_is_answered_where_nobody_else_listens(doors: Doors) -> None:
    member = await doors.add(1)
    asked = f"spawn.api.launcher.assignment.{member.array_id}.{member.instance.id}"
    replies: asyncio.Queue[str] = asyncio.Queue()

    async def answer(message: Message) -> None:
        replies.put_nowait(message.reply)
        await doors.bus.wire.publish(message.reply, b"whole truth")

    await doors.bus.wire.subscribe(asked, answer)
    async with doors.entered(await doors.prove(member.instance.id), member.instance.id) as (it, _):
        assert (await it.request(asked, b"{}", timeout=20)).data == b"whole truth"
    assert (await replies.get()).startswith(f"_INBOX_machine.{member.instance.id}.")


FOREIGN = [
    "spawn.agent.training-abcdefghijkl.i-00000000000000002.hello",
    "spawn.agent.other-abcdefghijkl.i-00000000000000001.hello",
    "spawn.log.training-abcdefghijkl.2",
    "spawn.log.other-abcdefghijkl.1",
    "spawn.api.launcher.assignment.training-abcdefghijkl.i-00000000000000002",
    "spawn.api.launcher.peers.other-abcdefghijkl.i-00000000000000001",
    "spawn.api.launcher.roster",
    "spawn.api.launcher.exec",
    "spawn.api.iam_broker.ensure",
    "spawn.tell.training-abcdefghijkl.all",
    "spawn.tell.training-abcdefghijkl.i-00000000000000001",
    "spawn.evt.training-abcdefghijkl.array.ready",
    "spawn.cmd.launcher.launch",
    "spawn.cmd.launcher.terminate",
    "$KV.spawn-members.training-abcdefghijkl.1",
    "$KV.spawn-nonces.anything",
    "$JS.API.STREAM.NAMES",
    "$JS.API.DIRECT.GET.KV_spawn-specs.$KV.spawn-specs.training-abcdefghijkl",
    "$JS.API.CONSUMER.CREATE.SPAWN_LOGS",
    "$JS.API.STREAM.PURGE.SPAWN_AGENT",
    "$SRV.PING",
    "$SYS.REQ.USER.AUTH",
    "_INBOX_services.anything",
    "_INBOX_machine.i-00000000000000002.anything",
]


async def test_a_machine_says_nothing_that_is_not_its_own(doors: Doors) -> None:
    member = await doors.add(1)
    await doors.add(2)
    token = await doors.prove(member.instance.id)
    async with doors.entered(token, member.instance.id) as (client, refusals):
        for foreign in FOREIGN:
            await client.publish(foreign, b"{}")
            said = await refusals.next()
            assert f'permissions violation for publish to "{foreign.lower()}"' in said


async def test_a_machine_hears_nothing_that_is_not_its_own(doors: Doors) -> None:
    member = await doors.add(1)
    await doors.add(2)
    token = await doors.prove(member.instance.id)
    async with doors.entered(token, member.instance.id) as (client, refusals):
        for foreign in [*FOREIGN, ">", "*.>", "spawn.tell.>", "_INBOX.>", "_INBOX_machine.>"]:
            if foreign.startswith("spawn.tell.training"):
                continue
            await client.subscribe(foreign)
            said = await refusals.next()
            assert f'permissions violation for subscription to "{foreign.lower()}"' in said


async def test_a_proof_opens_the_door_once(doors: Doors) -> None:
    member = await doors.add(1)
    token = await doors.prove(member.instance.id)
    assert await doors.is_let_in(token)
    assert not await doors.is_let_in(token)


async def test_a_proof_shown_twice_at_once_opens_the_door_once(doors: Doors) -> None:
    member = await doors.add(1)
    token = await doors.prove(member.instance.id)
    opened_it = await asyncio.gather(*(doors.is_let_in(token) for _ in range(8)))
    assert sum(opened_it) == 1


async def test_a_stale_proof_is_refused(doors: Doors) -> None:
    member = await doors.add(1)
    for off_by in (timedelta(minutes=-6), timedelta(minutes=6)):
        assert not await doors.is_let_in(await doors.prove(member.instance.id, off_by=off_by))


async def test_a_proof_for_another_deployment_is_refused(doors: Doors) -> None:
    member = await doors.add(1)
    assert not await doors.is_let_in(await doors.prove(member.instance.id, deployment="other"))


async def test_a_forged_proof_is_refused(doors: Doors) -> None:
    member = await doors.add(1)
    good = opened(await doors.prove(member.instance.id))
    other = opened(await doors.prove(member.instance.id))
    forged = {
        "another nonce": {"x-spawn-nonce": "0123456789abcdef"},
        "another's signature": {"authorization": other["headers"]["authorization"]},
        "another's token": {"x-amz-security-token": "guess"},
    }
    for name, headers in forged.items():
        said = {**good, "headers": {**good["headers"], **headers}}
        assert not await doors.is_let_in(closed(said)), name
    assert await doors.is_let_in(closed(good))


async def test_a_signature_of_another_secret_is_refused(doors: Doors) -> None:
    member = await doors.add(1)
    true = await asyncio.to_thread(doors.credentials, member.instance.id)
    forger = type(true)(key_id=true.key_id, secret="guess", token=true.token)
    assert not await doors.is_let_in(proof(doors.cloud, forger))


async def test_a_role_that_is_not_ours_opens_no_door(doors: Doors) -> None:
    member = await doors.add(1)
    iam = doors.cloud.client("iam")
    name = f"spawn-{'0' * 16}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Path="/spawn/")["Role"][
        "Arn"
    ]
    try:
        credentials = await asyncio.to_thread(assume, doors.cloud, arn, member.instance.id)
        assert not await doors.is_let_in(proof(doors.cloud, credentials))
        claims = {"spawn:grant-hash": "0" * 64, "spawn:deployment": "test"}
        iam.tag_role(RoleName=name, Tags=[{"Key": k, "Value": v} for k, v in claims.items()])
        # It says that it is ours, but others than EC2 may assume it.
        assert not await doors.is_let_in(proof(doors.cloud, credentials))
    finally:
        iam.delete_role(RoleName=name)


async def test_the_sandboxs_own_key_opens_no_door(doors: Doors) -> None:
    await doors.add(1)
    true = await asyncio.to_thread(doors.credentials, "i-00000000000000001")
    own = type(true)(
        key_id=doors.cloud.access_key_id, secret=doors.cloud.secret_access_key, token="none"
    )
    assert not await doors.is_let_in(proof(doors.cloud, own))


@pytest.mark.parametrize("token", ["", "i-1", "e30", "x" * 20_000, closed({"v": 1})], ids=len)
async def test_what_is_no_proof_is_refused(doors: Doors, token: str) -> None:
    assert not await doors.is_let_in(token)


async def test_a_proof_may_be_as_long_as_roles_tokens_are(doors: Doors) -> None:
    member = await doors.add(1)
    said = opened(await doors.prove(member.instance.id))
    said["headers"]["x-amz-security-token"] += "A" * 6000
    with pytest.raises(Error, match="Authorization Violation"):
        async with doors.entered(closed(said), member.instance.id):
            pass


async def test_an_instance_that_nobody_knows_is_refused(doors: Doors) -> None:
    assert not await doors.is_let_in(await doors.prove(an_instance(77).id))


async def test_an_ended_instance_is_refused(doors: Doors) -> None:
    ended = an_instance(1, state=InstanceState.SHUTTING_DOWN)
    await doors.add(1, instance=ended, state=MemberState.RUNNING)
    assert not await doors.is_let_in(await doors.prove(ended.id))


@pytest.mark.parametrize(
    "after",
    [an_instance(1, state=InstanceState.TERMINATED), an_instance(5)],
    ids=["ended", "replaced"],
)
async def test_the_connection_of_an_ended_instance_is_closed(doors: Doors, after: object) -> None:
    member, neighbour = await doors.add(1), await doors.add(2)
    async with (
        doors.entered(await doors.prove(member.instance.id), member.instance.id) as (it, _),
        doors.entered(await doors.prove(neighbour.instance.id), neighbour.instance.id) as (ot, _),
    ):
        key = member_key(member.array_id, member.rank)
        found = await doors.members.get(key)
        changed = msgspec.structs.replace(member, instance=after, generation=1)
        await doors.members.update(key, changed, found.revision)
        async with asyncio.timeout(20):
            while not it.is_closed:
                await CLOCK.sleep(timedelta(milliseconds=10))
        await ot.flush(timeout=20)
    assert not await doors.is_let_in(await doors.prove(member.instance.id))


def launch(doors: Doors, ranks: str, count: int) -> list[str]:
    """Launch instances of an array that no record names."""
    ec2 = doors.cloud.client("ec2")
    tags = {
        "spawn:deployment": "test",
        "spawn:array-id": ARRAY_ID,
        "spawn:ranks": ranks,
        "spawn:generation": "0",
    }
    made = ec2.run_instances(
        ImageId=image(doors.cloud),
        InstanceType="t3.micro",
        MinCount=count,
        MaxCount=count,
        IamInstanceProfile={"Name": doors.grant.profile},
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )["Instances"]
    return [each["InstanceId"] for each in sorted(made, key=lambda one: one["AmiLaunchIndex"])]


async def test_instances_that_no_record_names_yet_are_known_by_their_tags(doors: Doors) -> None:
    _, instance_id = await asyncio.to_thread(launch, doors, "3,7", 2)
    token = await doors.prove(InstanceId(instance_id))
    async with doors.entered(token, instance_id) as (client, _):
        assert (
            await client.jetstream(timeout=20).publish(f"spawn.log.{ARRAY_ID}.7", b"line\n")
        ).seq
    ec2 = doors.cloud.client("ec2")
    await asyncio.to_thread(ec2.terminate_instances, InstanceIds=[instance_id])
    assert not await doors.is_let_in(await doors.prove(InstanceId(instance_id)))


async def test_an_instance_whose_rank_another_fills_is_refused(doors: Doors) -> None:
    await doors.add(3)
    (instance_id,) = await asyncio.to_thread(launch, doors, "3", 1)
    assert not await doors.is_let_in(await doors.prove(InstanceId(instance_id)))


async def test_a_machine_comes_back_when_the_server_was_gone(doors: Doors) -> None:
    member = await doors.add(1)
    assert await doors.is_let_in(await doors.prove(member.instance.id))
    await doors.server.restart()
    await doors.server.until_asking()
    assert await doors.is_let_in(await doors.prove(member.instance.id))
