"""What the door makes of real answers, and of none, over real HTTP."""

import asyncio
import socket
from datetime import timedelta

import msgspec
import pytest
from prometheus_client import REGISTRY

from spawn.aws.calls import ATTEMPTS
from spawn.aws.clients import Clients
from spawn.aws.session import Aws, open_aws
from spawn.aws.settings import AwsSettings
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.errors import Cause, Conflict, Outcome, Rejected, Transient
from tests.fakes.clock import InstantClock
from tests.fixtures.canned_aws import (
    REGION,
    REQUEST,
    Answer,
    CannedAws,
    decoded,
    error,
    hang_up,
    page,
    reservation,
    silence,
    text,
)

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::1:user/x</Arn><UserId>u</UserId>
<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_reading_call_is_repeated_within_its_tokens(cloud: CannedAws, aws: Aws) -> None:
    throttles = metric("spawn_aws_throttles_total", api="DescribeInstances")
    cloud.answer("DescribeInstances", error("RequestLimitExceeded", status=503), page(0, 3))
    found = await aws.ec2(REGION).describe_instances()
    assert [one.launch_index for one in found] == [0, 1, 2]
    assert aws.calls() == {"DescribeInstances": 2}
    assert metric("spawn_aws_throttles_total", api="DescribeInstances") == throttles + 1


@pytest.mark.parametrize("answer", [error("InternalError", status=500), hang_up])
async def test_a_reading_call_is_given_up_in_the_end(
    cloud: CannedAws, aws: Aws, answer: Answer
) -> None:
    cloud.answer("DescribeInstances", answer)
    with pytest.raises(Transient):
        await aws.ec2(REGION).describe_instances()
    assert cloud.count("DescribeInstances") == ATTEMPTS


@pytest.mark.parametrize(
    ("answer", "kind", "cause"),
    [
        (error("RequestLimitExceeded", status=503), Transient, Cause.THROTTLED),
        (error("InsufficientInstanceCapacity", status=500), Transient, Cause.CAPACITY),
        (error("InternalError", status=500), Transient, Cause.INTERNAL),
        (error("VcpuLimitExceeded"), Rejected, Cause.QUOTA),
        (error("IdempotentParameterMismatch"), Conflict, Cause.EXISTS),
        (text("<!doctype html>", status=500, kind="text/html"), Transient, Cause.UNREACHABLE),
        (text("<RunInstancesResponse><inst"), Transient, Cause.UNREACHABLE),
        (hang_up, Transient, Cause.UNREACHABLE),
    ],
    ids=["throttled", "capacity", "internal", "quota", "mismatch", "html", "half", "hang-up"],
)
async def test_run_instances_is_never_repeated(
    cloud: CannedAws, aws: Aws, answer: Answer, kind: type[Outcome], cause: Cause
) -> None:
    cloud.answer("RunInstances", answer)
    with pytest.raises(kind) as raised:
        await aws.ec2(REGION).run_instances(REQUEST)
    assert raised.value.cause is cause
    assert cloud.count("RunInstances") == 1


async def test_a_throttle_answer_slows_the_next_turn(
    cloud: CannedAws, aws: Aws, clock: InstantClock
) -> None:
    cloud.answer("RunInstances", error("RequestLimitExceeded", status=503))
    ec2 = aws.ec2(REGION)
    with pytest.raises(Transient):
        await ec2.run_instances(REQUEST)
    await ec2.pacer.take("RunInstances")
    assert clock.monotonic() == pytest.approx(1.0, abs=0.01)


async def test_user_data_is_encoded_once_and_the_user_agent_names_us(
    cloud: CannedAws, aws: Aws
) -> None:
    cloud.answer("RunInstances", reservation(2))
    request = msgspec.structs.replace(REQUEST, user_data="#!/bin/sh\necho ü\n")
    made = await aws.ec2(REGION).run_instances(request)
    assert len(made) == 2
    assert decoded(cloud.asked[0][1]) == "#!/bin/sh\necho ü\n"
    assert all("spawn" in agent for agent in cloud.user_agents)


async def test_an_answer_that_does_not_come_is_given_up(
    cloud: CannedAws, clock: InstantClock
) -> None:
    cloud.answer("RunInstances", silence)
    settings = AwsSettings(read_timeout=timedelta(milliseconds=100))
    async with open_aws(settings, clock) as aws:
        with pytest.raises(Transient, match="unknown") as raised:
            await aws.ec2(REGION).run_instances(REQUEST)
    assert raised.value.code == "ReadTimeoutError"


async def test_nobody_listens(
    cloud: CannedAws, clock: InstantClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    async with open_aws(AwsSettings(), clock) as aws:
        with pytest.raises(Transient, match="not made"):
            await aws.ec2(REGION).run_instances(REQUEST)


async def test_without_credentials_the_message_says_what_to_set(
    cloud: CannedAws, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Rejected, match="AWS_ACCESS_KEY_ID") as raised:
        await aws.ec2(REGION).describe_instances()
    assert raised.value.cause is Cause.PERMISSION


async def test_all_pages_are_read(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeInstances", page(0, 3, token="next"), page(3, 2))
    found = await aws.ec2(REGION).describe_instances(
        tags={"spawn:managed": "true"}, states=[InstanceState.PENDING]
    )
    assert [one.launch_index for one in found] == [0, 1, 2, 3, 4]
    first, second = (form for _, form in cloud.asked)
    assert first["MaxResults"] == "1000"
    assert first["Filter.1.Name"] == "tag:spawn:managed"
    assert first["Filter.2.Value.1"] == "pending"
    assert second["NextToken"] == "next"


async def test_many_ids_are_asked_for_in_chunks(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeInstances", page(0, 0))
    ids = [InstanceId(f"i-{number:017x}") for number in range(450)]
    await aws.ec2(REGION).describe_instances(ids=ids)
    asked = [sum(key.startswith("InstanceId.") for key in form) for _, form in cloud.asked]
    assert sorted(asked) == [50, 200, 200]
    assert all("MaxResults" not in form for _, form in cloud.asked)


async def test_clients_are_made_once_however_many_ask(cloud: CannedAws) -> None:
    async with Clients(AwsSettings()) as clients:
        made = await asyncio.gather(*(clients.get("ec2", REGION) for _ in range(10)))
        other = await clients.get("ec2", "eu-west-1")
    assert all(client is made[0] for client in made)
    assert other is not made[0]


async def test_the_account_is_asked_for_once(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("GetCallerIdentity", text(IDENTITY))
    assert [await aws.account(), await aws.account()] == ["123456789012"] * 2
    assert aws.calls() == {"GetCallerIdentity": 1}


@pytest.mark.parametrize(
    ("variables", "local"),
    [
        ({}, True),
        ({"AWS_ENDPOINT_URL": "http://localhost:4566"}, True),
        ({"AWS_ENDPOINT_URL": "http://[::1]:4566"}, True),
        ({"AWS_ENDPOINT_URL": "https://ec2.example.com"}, False),
        ({"AWS_ENDPOINT_URL_EC2": "https://ec2.example.com"}, False),
        ({"AWS_ENDPOINT_URL": ""}, False),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, False),
    ],
)
async def test_is_local(
    cloud: CannedAws,
    clock: InstantClock,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    local: bool,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with open_aws(AwsSettings(), clock) as aws:
        assert aws.is_local is local


async def test_a_profile_that_does_not_exist_is_rejected(
    cloud: CannedAws, clock: InstantClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Rejected, match="nobody"):
        async with open_aws(AwsSettings(), clock):
            pass
