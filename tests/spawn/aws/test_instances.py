"""Which calls the door makes when EC2 refuses some of many instances."""

import pytest

from spawn.aws.session import Aws
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.errors import Cause, Rejected, Transient
from tests.fixtures.canned_aws import (
    NAMESPACE,
    REGION,
    Answer,
    CannedAws,
    Decide,
    error,
    listed,
    page,
    text,
)

MANY = [InstanceId(f"i-{number:017x}") for number in range(700)]


def shutting_down(ids: list[str]) -> Answer:
    items = "".join(
        f"<item><instanceId>{one}</instanceId><currentState><code>32</code>"
        "<name>shutting-down</name></currentState></item>"
        for one in ids
    )
    body = f"<instancesSet>{items}</instancesSet>"
    return text(
        f'<TerminateInstancesResponse xmlns="{NAMESPACE}">{body}</TerminateInstancesResponse>'
    )


def unless(refused: set[InstanceId], refusal: Answer, otherwise: Decide) -> Decide:
    """Refuse a call that names one of these instances."""
    return lambda form: refusal if refused & set(listed(form, "InstanceId")) else otherwise(form)


def ends(form: dict[str, str]) -> Answer:
    return shutting_down(listed(form, "InstanceId"))


def naming(ids: list[InstanceId]) -> Answer:
    return error("InvalidInstanceID.NotFound", f"The instance IDs '{', '.join(ids)}' do not exist")


async def test_many_are_ended_in_chunks(cloud: CannedAws, aws: Aws) -> None:
    cloud.decide("TerminateInstances", ends)
    ended = await aws.ec2(REGION).terminate_instances([*MANY, *MANY])
    assert set(ended) == set(MANY)
    assert set(ended.values()) == {InstanceState.SHUTTING_DOWN}
    assert sorted(len(listed(form, "InstanceId")) for _, form in cloud.asked) == [200, 500]


async def test_what_ec2_names_as_unknown_is_gone_and_the_rest_is_ended(
    cloud: CannedAws, aws: Aws
) -> None:
    unknown = MANY[:300]
    cloud.decide("TerminateInstances", unless(set(unknown), naming(unknown), ends))
    ended = await aws.ec2(REGION).terminate_instances(MANY[:400])
    assert {ended[one] for one in unknown} == {InstanceState.TERMINATED}
    assert {ended[one] for one in MANY[300:400]} == {InstanceState.SHUTTING_DOWN}
    assert cloud.count("TerminateInstances") == 2


async def test_unknown_instances_that_ec2_does_not_name_are_found_by_halving(
    cloud: CannedAws, aws: Aws
) -> None:
    unknown = {MANY[3], MANY[11]}
    mute = error("InvalidInstanceID.NotFound", "some do not exist")
    cloud.decide("TerminateInstances", unless(unknown, mute, ends))
    ended = await aws.ec2(REGION).terminate_instances(MANY[:16])
    assert {one for one, state in ended.items() if state is InstanceState.TERMINATED} == unknown
    assert len(ended) == 16


async def test_a_protected_instance_does_not_keep_the_others(cloud: CannedAws, aws: Aws) -> None:
    protected = error("OperationNotPermitted", "The instance may not be terminated")
    cloud.decide("TerminateInstances", unless({MANY[5]}, protected, ends))
    with pytest.raises(Rejected, match="termination protection"):
        await aws.ec2(REGION).terminate_instances(MANY[:8])
    ended: set[str] = set()
    for _, form in cloud.asked:
        ids = listed(form, "InstanceId")
        ended |= set() if MANY[5] in ids else set(ids)
    assert ended == set(MANY[:8]) - {MANY[5]}


async def test_a_missing_permission_is_not_asked_for_again(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("TerminateInstances", error("UnauthorizedOperation", status=403))
    with pytest.raises(Rejected, match="allow the action TerminateInstances"):
        await aws.ec2(REGION).terminate_instances(MANY[:8])
    assert cloud.count("TerminateInstances") == 1


async def test_ending_is_repeated_when_the_answer_is_lost(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("TerminateInstances", error("Unavailable", status=503), shutting_down([MANY[0]]))
    ended = await aws.ec2(REGION).terminate_instances([MANY[0]])
    assert ended == {MANY[0]: InstanceState.SHUTTING_DOWN}


async def test_ending_that_cannot_be_done_now_is_transient(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("TerminateInstances", error("RequestLimitExceeded", status=503))
    with pytest.raises(Transient) as raised:
        await aws.ec2(REGION).terminate_instances([MANY[0]])
    assert raised.value.cause is Cause.THROTTLED


async def test_the_unknown_among_many_are_left_out_however_long_the_text(
    cloud: CannedAws, aws: Aws
) -> None:
    unknown = MANY[50:200]
    cloud.decide("DescribeInstances", unless(set(unknown), naming(unknown), lambda _: page(0, 50)))
    found = await aws.ec2(REGION).describe_instances(ids=MANY[:200])
    assert [one.instance.id for one in found] == MANY[:50]
    assert cloud.count("DescribeInstances") == 2


async def test_tags_go_out_in_chunks(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer(
        "CreateTags", text("<CreateTagsResponse><return>true</return></CreateTagsResponse>")
    )
    await aws.ec2(REGION).create_tags(MANY, {"b": "2", "a": "1"})
    assert [len(listed(form, "ResourceId")) for _, form in cloud.asked] == [500, 200]
    assert cloud.asked[0][1]["Tag.1.Key"] == "a"
