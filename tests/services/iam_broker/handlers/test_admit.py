"""From a proof to the permissions of one machine, without a bus or a cloud."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from agent.identity import Audience, prove
from agent.metadata import Credentials
from services.iam_broker.config import Settings
from services.iam_broker.handlers.admit import GATHER, LIFE, admit, look_up_unknown
from services.iam_broker.memory import TRUSTED_FOR
from services.iam_broker.model import ArrayUse, PlacedUse
from spawn.aws.shapes import Caller
from spawn.bus import codec
from spawn.bus.callout import Knock
from spawn.bus.ports import CaughtUp, Entry
from spawn.contracts import arrays
from spawn.contracts.arrays import ArrayState
from spawn.contracts.grants import InstanceProfile, Role
from spawn.contracts.ids import ClientToken
from spawn.contracts.instances import InstanceState, RunInstances
from spawn.contracts.members import Member, member_key
from spawn.contracts.pools import Market
from spawn.errors import Outcome, Rejected, Transient, first_outcome
from tests.builders import ARRAY_ID, a_member, an_instance
from tests.fakes.aws import ACCOUNT, IMAGE
from tests.services.iam_broker.fakes import DEPLOYMENT, Broker, wanted

WANTED = wanted()
ROLE = Credentials(key_id="ASIAEXAMPLEKEY000000", secret="secret", token="token")
REGION = "us-east-1"


@asynccontextmanager
async def at_work(*members: Member, granted: bool = True) -> AsyncGenerator[Broker]:
    """A broker that has read its records, and looks up who no record names."""
    broker = Broker(settings=Settings(iam_allowed_roles=("science",)))
    world = broker.world
    for revision, member in enumerate(members, start=1):
        world.roster.note(Entry(member_key(member.array_id, member.rank), member, revision))
    world.roster.note(CaughtUp())
    if granted:
        world.memory.grants.note(Entry(WANTED.grant.hash, WANTED.grant, 1))
    world.memory.grants.take(CaughtUp())
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look_up_unknown(world))
        yield broker
        looking.cancel()


def knock(broker: Broker, instance_id: str, *, nonce: str, role: str = "") -> Knock:
    """Return a knock with a proof that STS knows to be of an instance."""
    audience = Audience(DEPLOYMENT, REGION)
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role or WANTED.grant.role}/{instance_id}"
    broker.aws.sts().signers[nonce] = Caller(account=ACCOUNT, arn=arn)
    token = prove(audience, ROLE, nonce=nonce, now=broker.clock.now())
    return Knock(token=token, host="10.0.0.9")


async def enter(broker: Broker, instance_id: str, nonce: str = "n" * 16) -> str:
    """Return the name under which an instance is let in."""
    knocked = knock(broker, instance_id, nonce=nonce)
    permissions = await broker.clock.finish(admit(broker.world, knocked))
    assert permissions.expires == broker.clock.now() + LIFE
    return permissions.name


async def refusal(broker: Broker, knocked: Knock) -> Outcome:
    """Return why somebody is not let in."""
    refused: list[Outcome] = []
    try:
        await broker.clock.finish(admit(broker.world, knocked))
    except* Outcome as outcomes:
        refused.append(first_outcome(outcomes))
    (why,) = refused
    return why


async def test_a_member_is_let_in_without_a_look_at_ec2() -> None:
    member = a_member(4)
    async with at_work(member) as broker:
        assert await enter(broker, member.instance.id) == member.instance.id
        assert not broker.aws.ec2(REGION).counted


async def test_a_bad_proof_is_not_sent_anywhere() -> None:
    async with at_work(a_member(4)) as broker:
        why = await refusal(broker, Knock(token="guess", host=""))
        assert isinstance(why, Rejected)
        assert broker.aws.sts().asked == 0


async def test_the_nonce_of_a_refused_signature_stays_free() -> None:
    member = a_member(4)
    async with at_work(member) as broker:
        knocked = knock(broker, member.instance.id, nonce="n" * 16)
        signer = broker.aws.sts().signers.pop("n" * 16)
        assert isinstance(await refusal(broker, knocked), Rejected)
        broker.aws.sts().signers["n" * 16] = signer
        await broker.clock.finish(admit(broker.world, knocked))
        assert "used before" in str(await refusal(broker, knocked))


async def test_a_role_that_no_record_names_is_looked_at() -> None:
    member = a_member(4)
    async with at_work(member, granted=False) as broker:
        knocked = knock(broker, member.instance.id, nonce="n" * 16)
        assert "is not ours" in str(await refusal(broker, knocked))
        assert WANTED.role is not None
        broker.aws.iam().held[WANTED.role.name] = WANTED.role
        await broker.clock.finish(admit(broker.world, knocked))
        recorded = (await broker.world.stores.grants.get(WANTED.grant.hash)).value
        assert (recorded.role, recorded.profile) == (WANTED.grant.role, WANTED.grant.profile)


async def test_unknown_instances_are_looked_up_together() -> None:
    async with at_work() as broker:
        ec2 = broker.aws.ec2(REGION)
        tags = {
            "spawn:deployment": DEPLOYMENT,
            "spawn:array-id": ARRAY_ID,
            "spawn:ranks": "0-9",
            "spawn:generation": "0",
        }
        launched = await ec2.run_instances(a_call(tags, ec2.networks[0].id))
        ids = [each.instance.id for each in launched]
        before = ec2.counted["DescribeInstances"]

        async def all_of_them() -> list[str]:
            knocks = [knock(broker, each, nonce=f"{each}-nonce") for each in ids]
            found = await asyncio.gather(*(admit(broker.world, each) for each in knocks))
            return [each.publish[1] for each in found]

        began = broker.clock.monotonic()
        logs = await broker.clock.finish(all_of_them())
        assert sorted(logs) == [f"spawn.log.{ARRAY_ID}.{rank}" for rank in range(10)]
        assert ec2.counted["DescribeInstances"] == before + 1
        assert broker.clock.monotonic() - began == pytest.approx(GATHER.total_seconds())


async def test_who_ec2_does_not_know_is_told_to_come_later() -> None:
    async with at_work() as broker:
        why = await refusal(broker, knock(broker, an_instance(77).id, nonce="n" * 16))
        assert isinstance(why, Transient)
        assert why.code == "Later"


async def test_an_ec2_that_does_not_answer_makes_machines_come_later() -> None:
    async with at_work() as broker:
        broker.aws.ec2(REGION).fail("DescribeInstances", Transient("away", code="Away"))
        why = await refusal(broker, knock(broker, an_instance(77).id, nonce="n" * 16))
        assert isinstance(why, Transient)
        assert why.code == "Away"


async def test_who_has_ended_is_refused() -> None:
    ended = a_member(4, instance=an_instance(4, state=InstanceState.TERMINATED))
    async with at_work(ended) as broker:
        why = await refusal(broker, knock(broker, ended.instance.id, nonce="n" * 16))
        assert "has ended" in str(why)


async def test_a_proof_lives_as_long_as_its_nonce_is_remembered() -> None:
    member = a_member(4)
    async with at_work(member) as broker:
        knocked = knock(broker, member.instance.id, nonce="n" * 16)
        broker.clock.move(timedelta(minutes=6))
        assert "minutes from now" in str(await refusal(broker, knocked))


def with_science(broker: Broker, *, profile: str = "lab") -> Role:
    """Make a role that is not ours, and an array of that instance profile."""
    assert WANTED.role is not None
    role = Role(name="science", path="/team/", trust=WANTED.role.trust, tags={})
    iam = broker.aws.iam()
    iam.held[role.name] = role
    iam.profiles["lab"] = InstanceProfile(name="lab", path="/", roles=(role.name,))
    array = ArrayUse(
        id=ARRAY_ID,
        region=REGION,
        state=ArrayState.READY,
        placement=PlacedUse(instance_profile=profile),
    )
    broker.bus.buckets[arrays.BUCKET].write(ARRAY_ID, codec.encode(array), expected=None)
    return role


async def test_a_machine_launched_with_an_allowed_role_is_let_in() -> None:
    member = a_member(4)
    async with at_work(member, granted=False) as broker:
        role = with_science(broker)
        for nonce in ("n" * 16, "m" * 16):
            knocked = knock(broker, member.instance.id, nonce=nonce, role=role.name)
            await broker.clock.finish(admit(broker.world, knocked))
        assert broker.aws.iam().counted["GetRole"] == 1


async def test_an_allowed_role_is_nobodys_who_was_launched_with_another() -> None:
    member = a_member(4)
    async with at_work(member) as broker:
        role = with_science(broker, profile=WANTED.grant.profile)
        knocked = knock(broker, member.instance.id, nonce="n" * 16, role=role.name)
        assert "was not given role science" in str(await refusal(broker, knocked))


async def test_an_allowed_role_that_others_may_assume_lets_nobody_in() -> None:
    member = a_member(4)
    async with at_work(member) as broker:
        role = with_science(broker)
        knocked = knock(broker, member.instance.id, nonce="n" * 16, role=role.name)
        await broker.clock.finish(admit(broker.world, knocked))
        iam = broker.aws.iam()
        iam.held[role.name] = msgspec.structs.replace(
            role, trust=role.trust.replace("ec2", "lambda")
        )
        broker.clock.move(TRUSTED_FOR)
        knocked = knock(broker, member.instance.id, nonce="m" * 16, role=role.name)
        assert "EC2 alone" in str(await refusal(broker, knocked))


async def test_a_role_that_is_not_allowed_lets_nobody_in() -> None:
    member = a_member(4)
    async with at_work(member) as broker:
        with_science(broker)
        knocked = knock(broker, member.instance.id, nonce="n" * 16, role="admin")
        assert "not that of an instance of ours" in str(await refusal(broker, knocked))


def a_call(tags: dict[str, str], subnet_id: str) -> RunInstances:
    """Return a call that launches ten instances."""
    return RunInstances(
        region=REGION,
        client_token=ClientToken("token"),
        image_id=IMAGE.id,
        instance_type="t3.micro",
        subnet_id=subnet_id,
        market=Market.ON_DEMAND,
        min_count=10,
        max_count=10,
        security_group_ids=(),
        tags=tags,
    )
