"""Deleting what nobody needs, and nothing else, whatever is cut off and whoever asks meanwhile."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.iam_broker.handlers.collect import COLLECT_EVERY, collect_unused, on_collect
from services.iam_broker.handlers.ensure import fence_key, on_ensure
from services.iam_broker.model import ArrayUse, PlacedUse
from spawn.bus import codec
from spawn.bus.ports import Request
from spawn.contracts import arrays, grants
from spawn.contracts.arrays import ArrayState
from spawn.contracts.grants import CollectedGrants, CollectGrants, Grant, GrantRequest
from spawn.contracts.ids import ArrayId, ClientToken
from spawn.contracts.instances import RunInstances
from spawn.contracts.pools import Market
from spawn.errors import Transient
from tests.fakes.aws import IMAGE
from tests.fakes.ec2 import REGION
from tests.services.iam_broker.fakes import DEPLOYMENT, Broker, wanted

ITEMS = ("s3:ReadOnly:my-bucket",)
WANTED = wanted(*ITEMS)
NAME = WANTED.grant.role
GRACE = timedelta(hours=24)
ARRAY = ArrayId("training-abcdefghijkl")


def asking(*items: str, **more: Any) -> Request[GrantRequest]:
    return Request(body=GrantRequest(policies=items or ITEMS, **more), subject=grants.API_ENSURE)


async def granted() -> Broker:
    """A broker that has made a grant."""
    broker = Broker()
    await broker.clock.finish(on_ensure(asking(), broker.world))
    return broker


async def collect(broker: Broker, **how: bool) -> CollectedGrants:
    request = Request(body=CollectGrants(**how), subject=grants.API_COLLECT)
    return await broker.clock.finish(on_collect(request, broker.world))


def reasons(report: CollectedGrants) -> dict[str, str]:
    return {each.role: each.reason for each in report.kept}


def record_array(broker: Broker, state: ArrayState, profile: str | None = NAME) -> None:
    """Write an array's record as the launcher does."""
    placement = None if profile is None else PlacedUse(instance_profile=profile)
    array = ArrayUse(id=ARRAY, region=REGION, state=state, placement=placement)
    broker.bus.buckets[arrays.BUCKET].write(ARRAY, codec.encode(array), expected=None)


async def launch(broker: Broker, region: str = REGION) -> None:
    """Launch an instance with the grant's profile."""
    ec2 = broker.aws.ec2(region)
    request = RunInstances(
        region=region,
        client_token=ClientToken("token"),
        image_id=IMAGE.id,
        instance_type="t3.micro",
        subnet_id=ec2.networks[0].id,
        market=Market.ON_DEMAND,
        min_count=1,
        max_count=1,
        security_group_ids=(),
        tags={"spawn:deployment": DEPLOYMENT},
        instance_profile=NAME,
    )
    await ec2.run_instances(request)


def is_gone(broker: Broker) -> bool:
    iam = broker.aws.iam()
    return NAME not in iam.held and NAME not in iam.profiles


async def test_an_unused_grant_goes_after_its_grace() -> None:
    broker = await granted()
    broker.clock.move(GRACE - timedelta(minutes=5))
    assert "it goes in 5m" in reasons(await collect(broker))[NAME]
    broker.clock.move(timedelta(minutes=5))
    assert await collect(broker) == CollectedGrants(removed=(NAME,), kept=(), acted=True)
    assert is_gone(broker)
    assert await broker.world.stores.grants.load() == {}


async def test_now_means_without_grace_and_a_dry_run_deletes_nothing() -> None:
    broker = await granted()
    assert (await collect(broker, now=True, dry_run=True)).removed == (NAME,)
    assert not is_gone(broker)
    assert (await collect(broker, now=True)).removed == (NAME,)
    assert is_gone(broker)


@pytest.mark.parametrize(
    ("state", "profile", "reason"),
    [
        (ArrayState.READY, NAME, f"array {ARRAY} uses it"),
        (ArrayState.TERMINATING, NAME, f"array {ARRAY} uses it"),
        (ArrayState.ACCEPTED, None, f"array {ARRAY} is being launched and may use it"),
        (ArrayState.TERMINATED, NAME, None),
        (ArrayState.READY, "spawn-other", None),
        (ArrayState.RECOVERED, None, None),
    ],
    ids=[
        "a living array: kept",
        "an ending array: kept",
        "an array that has not settled: kept",
        "an ended array: goes",
        "an array with another grant: goes",
        "a recovered array: its instances count",
    ],
)
async def test_what_a_living_array_uses_stays(
    state: ArrayState, profile: str | None, reason: str | None
) -> None:
    broker = await granted()
    record_array(broker, state, profile)
    assert reasons(await collect(broker, now=True)).get(NAME) == reason
    assert is_gone(broker) == (reason is None)


async def test_what_a_living_instance_uses_stays_though_no_record_names_it() -> None:
    broker = await granted()
    await launch(broker)
    assert reasons(await collect(broker, now=True))[NAME].endswith("uses it")
    assert not is_gone(broker)


async def test_an_array_in_another_region_has_its_instances_seen() -> None:
    broker = await granted()
    await launch(broker, "eu-west-1")
    recovered = ArrayUse(id=ARRAY, region="eu-west-1", state=ArrayState.RECOVERED)
    broker.bus.buckets[arrays.BUCKET].write(ARRAY, codec.encode(recovered), expected=None)
    assert NAME in reasons(await collect(broker, now=True))


async def test_a_region_that_does_not_answer_keeps_everything() -> None:
    broker = await granted()
    broker.aws.ec2(REGION).fail("DescribeInstances", Transient("away"))
    with pytest.raises(ExceptionGroup):
        await collect(broker, now=True)
    assert not is_gone(broker)


async def test_use_is_noted_so_that_the_grace_counts_from_its_end() -> None:
    broker = await granted()
    record_array(broker, ArrayState.READY)
    async with asyncio.TaskGroup() as group:
        collecting = group.create_task(collect_unused(broker.world))
        await broker.clock.advance(timedelta(days=3))
        record_array(broker, ArrayState.TERMINATED)
        await broker.clock.advance(timedelta(hours=23) - COLLECT_EVERY)
        assert not is_gone(broker)
        await broker.clock.advance(timedelta(hours=1) + 2 * COLLECT_EVERY)
        assert is_gone(broker)
        collecting.cancel()


async def test_without_any_record_a_grant_is_as_old_as_its_role() -> None:
    broker = await granted()
    broker.bus.lose()
    broker.clock.move(GRACE - timedelta(hours=1))
    assert NAME in reasons(await collect(broker))
    iam = broker.aws.iam()
    iam.held[NAME] = msgspec.structs.replace(iam.held[NAME], used_at=broker.clock.now())
    broker.clock.move(timedelta(hours=23))
    assert NAME in reasons(await collect(broker))
    broker.clock.move(timedelta(hours=1))
    assert (await collect(broker)).removed == (NAME,)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tags": {}}, "it was not made by spawn"),
        ({"path": "/spawn/other/"}, "it was not made by spawn"),
        ({"tags": {"spawn:grant-hash": WANTED.grant.hash}}, "it belongs to deployment nobody"),
        (
            {"tags": {"spawn:grant-hash": WANTED.grant.hash, "spawn:deployment": "bob-1"}},
            "it belongs to deployment bob-1",
        ),
    ],
    ids=["no tags", "another path", "nobody's", "another deployment's"],
)
async def test_what_is_not_ours_stays(changes: dict[str, Any], reason: str) -> None:
    broker = await granted()
    iam = broker.aws.iam()
    iam.held[NAME] = msgspec.structs.replace(iam.held[NAME], **changes)
    assert reasons(await collect(broker, now=True)) == {NAME: reason}
    assert not is_gone(broker)


async def test_a_role_that_drifted_is_taken_apart_with_all_that_is_in_it() -> None:
    broker = await granted()
    iam = broker.aws.iam()
    iam.policies["arn:aws:iam::aws:policy/Some"] = "{}"
    await iam.put_policy(NAME, "admin", "{}")
    await iam.attach(NAME, "arn:aws:iam::aws:policy/Some")
    await iam.set_trust(NAME, "{}")
    assert (await collect(broker, now=True)).removed == (NAME,)
    assert is_gone(broker)


async def test_a_role_in_a_profile_of_others_stays_and_its_own_profile_comes_back() -> None:
    broker = await granted()
    iam = broker.aws.iam()
    await iam.create_instance_profile("theirs", path="/", tags={})
    await iam.add_role("theirs", NAME)
    assert "DeleteConflict" in reasons(await collect(broker, now=True))[NAME]
    await broker.clock.finish(on_ensure(asking(), broker.world))
    assert iam.profiles[NAME].roles == (NAME,)


async def cut(broker: Broker, number: int) -> None:
    """Collect, and hear nothing more of IAM from that call on."""
    iam = broker.aws.iam()
    iam.cut_off = {iam.counted.total() + number}
    try:
        await collect(broker, now=True)
    except* Transient:
        pass
    iam.cut_off = set()


@pytest.mark.parametrize("number", range(1, 9))
async def test_what_was_cut_off_goes_the_next_time(number: int) -> None:
    broker = await granted()
    await cut(broker, number)
    after = Broker(bus=broker.bus, aws=broker.aws, clock=broker.clock)
    await collect(after, now=True)
    assert is_gone(after)


@pytest.mark.parametrize("number", range(1, 9))
async def test_what_was_cut_off_is_whole_again_when_it_is_asked_for(number: int) -> None:
    broker = await granted()
    await cut(broker, number)
    after = Broker(bus=broker.bus, aws=broker.aws, clock=broker.clock)
    assert await after.clock.finish(on_ensure(asking(), after.world)) == WANTED.grant
    role, profile = after.aws.iam().held[NAME], after.aws.iam().profiles[NAME]
    assert (set(role.inline), profile.roles) == ({"spawn"}, (NAME,))


async def test_whoever_asks_while_it_is_deleted_has_it_made_again() -> None:
    first = await granted()
    second = Broker(bus=first.bus, aws=first.aws, clock=first.clock, replica="b")
    for each in (first, second):
        await each.clock.finish(on_ensure(asking(), each.world))

    async def both() -> tuple[Grant, Grant]:
        async with asyncio.TaskGroup() as group:
            request = Request(body=CollectGrants(now=True), subject=grants.API_COLLECT)
            group.create_task(on_collect(request, first.world))
            while NAME in first.aws.iam().profiles:
                await first.clock.sleep(timedelta(0))
            here = group.create_task(on_ensure(asking(), first.world))
            there = group.create_task(on_ensure(asking(), second.world))
        return here.result(), there.result()

    assert await first.clock.finish(both()) == (WANTED.grant, WANTED.grant)
    assert first.aws.iam().profiles[NAME].roles == (NAME,)
    assert set(first.aws.iam().held[NAME].inline) == {"spawn"}


async def test_an_array_that_comes_while_its_grant_is_judged_keeps_it() -> None:
    broker = await granted()
    counted = broker.aws.iam().counted
    before = counted["ListRoles"]

    async def arrive() -> CollectedGrants:
        async with asyncio.TaskGroup() as group:
            request = Request(body=CollectGrants(now=True), subject=grants.API_COLLECT)
            collecting = group.create_task(on_collect(request, broker.world))
            # By then nobody was found to use it.
            while counted["ListRoles"] == before:
                await broker.clock.sleep(timedelta(0))
            record_array(broker, ArrayState.READY)
        return collecting.result()

    report = await broker.clock.finish(arrive())
    assert reasons(report) == {NAME: f"array {ARRAY} uses it"}
    assert (await broker.world.stores.grants.get(WANTED.grant.hash)).value.role == NAME


async def test_a_grant_that_another_replica_makes_is_left_alone() -> None:
    broker = await granted()
    other = Broker(bus=broker.bus, aws=broker.aws, clock=broker.clock, replica="b")
    async with other.world.fences.hold(fence_key(WANTED.grant.hash)):
        assert "another replica" in reasons(await collect(broker, now=True))[NAME]
    assert not is_gone(broker)
