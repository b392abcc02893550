"""Which calls stop and start instances when EC2 refuses some of many."""

import pytest

from spawn.aws.session import Aws
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.errors import Cause, NotFound, Rejected, Transient
from tests.fixtures.canned_aws import (
    NAMESPACE,
    REGION,
    Answer,
    CannedAws,
    Decide,
    error,
    listed,
    text,
)

MANY = [InstanceId(f"i-{number:017x}") for number in range(250)]


def changing(api: str, state: str) -> Decide:
    def answer(form: dict[str, str]) -> Answer:
        items = "".join(
            f"<item><instanceId>{one}</instanceId><currentState><code>0</code>"
            f"<name>{state}</name></currentState></item>"
            for one in listed(form, "InstanceId")
        )
        body = f"<instancesSet>{items}</instancesSet>"
        return text(f'<{api}Response xmlns="{NAMESPACE}">{body}</{api}Response>')

    return answer


STOPS = changing("StopInstances", "stopping")
STARTS = changing("StartInstances", "pending")


def unless(refused: set[InstanceId], refusal: Answer, otherwise: Decide) -> Decide:
    """Refuse a call that names one of these instances."""
    return lambda form: refusal if refused & set(listed(form, "InstanceId")) else otherwise(form)


async def test_many_are_stopped_in_chunks(cloud: CannedAws, aws: Aws) -> None:
    cloud.decide("StopInstances", STOPS)
    answer = await aws.ec2(REGION).stop_instances([*MANY, *MANY])
    assert answer.states == dict.fromkeys(MANY, InstanceState.STOPPING)
    assert answer.refused == {}
    assert sorted(len(listed(form, "InstanceId")) for _, form in cloud.asked) == [50, 100, 100]
    assert {form.get("Hibernate") for _, form in cloud.asked} == {"false"}


async def test_to_hibernate_is_said_in_the_call(cloud: CannedAws, aws: Aws) -> None:
    cloud.decide("StopInstances", STOPS)
    await aws.ec2(REGION).stop_instances(MANY[:1], hibernate=True)
    assert [form["Hibernate"] for _, form in cloud.asked] == ["true"]


async def test_one_in_a_wrong_state_does_not_keep_the_others(cloud: CannedAws, aws: Aws) -> None:
    wrong = error("IncorrectInstanceState", "it is not in a state from which it can be stopped")
    cloud.decide("StopInstances", unless({MANY[5]}, wrong, STOPS))
    answer = await aws.ec2(REGION).stop_instances(MANY[:8])
    assert set(answer.states) == set(MANY[:8]) - {MANY[5]}
    assert list(answer.refused) == [MANY[5]]


async def test_one_that_ec2_does_not_know_is_refused(cloud: CannedAws, aws: Aws) -> None:
    unknown = error("InvalidInstanceID.NotFound", f"The instance ID '{MANY[2]}' does not exist")
    cloud.decide("StopInstances", unless({MANY[2]}, unknown, STOPS))
    answer = await aws.ec2(REGION).stop_instances(MANY[:4])
    assert set(answer.states) == {MANY[0], MANY[1], MANY[3]}
    assert isinstance(answer.refused[MANY[2]], NotFound)


async def test_what_there_is_room_for_is_started(cloud: CannedAws, aws: Aws) -> None:
    full = error("InsufficientInstanceCapacity", "none left", status=500)
    cloud.decide("StartInstances", unless({MANY[1]}, full, STARTS))
    answer = await aws.ec2(REGION).start_instances(MANY[:3])
    assert answer.states == dict.fromkeys((MANY[0], MANY[2]), InstanceState.PENDING)
    assert answer.refused[MANY[1]].cause is Cause.CAPACITY


async def test_a_missing_permission_concerns_them_all(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("StopInstances", error("UnauthorizedOperation", status=403))
    with pytest.raises(Rejected, match="allow the action StopInstances"):
        await aws.ec2(REGION).stop_instances(MANY[:8])
    assert cloud.count("StopInstances") == 1


async def test_a_throttled_call_is_to_be_made_again(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("StartInstances", error("RequestLimitExceeded", status=503))
    with pytest.raises(Transient) as raised:
        await aws.ec2(REGION).start_instances(MANY[:8])
    assert raised.value.cause is Cause.THROTTLED


async def test_spot_requests_are_cancelled_though_some_are_gone(
    cloud: CannedAws, aws: Aws
) -> None:
    gone = error("InvalidSpotInstanceRequestID.NotFound", "The spot instance request is unknown")
    done = text(
        f'<CancelSpotInstanceRequestsResponse xmlns="{NAMESPACE}"><spotInstanceRequestSet/>'
        "</CancelSpotInstanceRequestsResponse>"
    )
    requests = [f"sir-{number:08x}" for number in range(150)]
    cancelled: set[str] = set()

    def answer(form: dict[str, str]) -> Answer:
        asked = set(listed(form, "SpotInstanceRequestId"))
        assert len(asked) <= 100
        if {requests[3], requests[120]} & asked:
            return gone
        cancelled.update(asked)
        return done

    cloud.decide("CancelSpotInstanceRequests", answer)
    await aws.ec2(REGION).cancel_spot_requests(requests)
    assert set(requests) - cancelled == {requests[3], requests[120]}
