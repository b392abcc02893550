"""Queues and rules, on the fake and on the laptop cloud: the same suite."""

import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from spawn.aws.ports import AwsPort
from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.aws.shapes import EventRule, Queue, QueueMessage
from spawn.clock import SystemClock
from spawn.errors import NotFound
from tests.fakes.aws import FakeAws
from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import image, run

REGION = "ap-south-1"
"""Where nothing else launches."""
QUICKLY = timedelta(seconds=0)
PATIENTLY = timedelta(seconds=20)
ATTRIBUTES = {"MessageRetentionPeriod": "300", "VisibilityTimeout": "0"}
TAGS = {"spawn:managed": "true"}
STATE_CHANGE = {
    "source": ["aws.ec2"],
    "detail-type": ["EC2 Instance State-change Notification"],
    "detail": {"state": ["running"]},
}


@dataclass(frozen=True)
class Post:
    """A door, and what stands behind it: who sends to queues, and EC2."""

    aws: AwsPort
    send: Callable[[str, str], object]
    run_one: Callable[[], object]

    async def queue(self, **attributes: str) -> Queue:
        """Return a new queue."""
        sqs = self.aws.sqs(REGION)
        made, is_new = await sqs.ensure(f"q-{uuid4().hex}", {**ATTRIBUTES, **attributes}, TAGS)
        assert is_new
        return made

    async def receive(self, queue: Queue) -> tuple[QueueMessage, ...]:
        return await self.aws.sqs(REGION).receive(queue.url, wait=PATIENTLY)


@pytest.fixture(params=["fake", "laptop cloud"])
async def post(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Post]:
    if request.param == "fake":
        fake = FakeAws(SystemClock())

        def run_one() -> object:
            event = {
                "source": "aws.ec2",
                "detail-type": "EC2 Instance State-change Notification",
                "detail": {"instance-id": "i-0123456789abcdef0"},
            }
            say = fake.eventbridge(REGION).say
            return [
                say({**event, "detail": {**event["detail"], "state": state}})  # pyright: ignore[reportGeneralTypeIssues] - a dict of texts
                for state in ("pending", "running")
            ]

        yield Post(fake, fake.sqs(REGION).put, run_one)
        return
    cloud: RunningSandbox = request.getfixturevalue("laptop_cloud")
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    sqs, ec2 = cloud.client("sqs", region=REGION), cloud.client("ec2", region=REGION)
    async with open_aws(AwsSettings(), SystemClock()) as aws:
        yield Post(
            aws,
            lambda url, body: sqs.send_message(QueueUrl=url, MessageBody=body),
            lambda: run(ec2, image(cloud, region=REGION)),
        )


async def test_a_queue_that_is_not_there_is_said_to_be_absent(post: Post) -> None:
    with pytest.raises(NotFound):
        await post.aws.sqs(REGION).find("nobody-made-it")
    gone = await post.queue()
    with pytest.raises(NotFound):
        await post.aws.sqs(REGION).receive(f"{gone.url}-gone", wait=QUICKLY)


async def test_a_queue_is_made_once_and_corrected(post: Post) -> None:
    sqs, name = post.aws.sqs(REGION), f"q-{uuid4().hex}"
    first, is_new = await sqs.ensure(name, ATTRIBUTES, TAGS)
    again, is_changed = await sqs.ensure(name, ATTRIBUTES, TAGS)
    assert (is_new, is_changed, again) == (True, False, first)
    other = {**ATTRIBUTES, "VisibilityTimeout": "7"}
    assert await sqs.ensure(name, other, TAGS) == (first, True)
    assert await sqs.ensure(name, other, TAGS) == (first, False)
    assert await sqs.find(name) == first


async def test_a_policy_that_is_written_otherwise_is_the_same(post: Post) -> None:
    sqs, queue = post.aws.sqs(REGION), await post.queue()
    name = queue.arn.rpartition(":")[2]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.arn,
    }
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    assert (await sqs.ensure(name, policy, TAGS))[1]
    assert not (await sqs.ensure(name, policy, TAGS))[1]


async def test_what_is_received_and_deleted_does_not_come_again(post: Post) -> None:
    sqs, queue = post.aws.sqs(REGION), await post.queue()
    post.send(queue.url, "hello")
    (message,) = await post.receive(queue)
    assert (message.body, message.received) == ("hello", 1)
    (again,) = await post.receive(queue)
    assert (again.id, again.received) == (message.id, 2)
    assert await sqs.delete(queue.url, [again]) == 0
    assert await sqs.receive(queue.url, wait=QUICKLY) == ()


async def test_what_is_being_handled_is_hidden_from_others(post: Post) -> None:
    sqs, queue = post.aws.sqs(REGION), await post.queue(VisibilityTimeout="600")
    post.send(queue.url, "mine")
    (message,) = await post.receive(queue)
    assert await sqs.receive(queue.url, wait=QUICKLY) == ()
    assert await sqs.delete(queue.url, [message]) == 0
    assert await sqs.delete(queue.url, []) == 0


async def test_ten_messages_come_at_most(post: Post) -> None:
    sqs, queue = post.aws.sqs(REGION), await post.queue(VisibilityTimeout="600")
    for number in range(12):
        post.send(queue.url, str(number))
    bodies: set[str] = set()
    while len(bodies) < 12:
        found = await post.receive(queue)
        assert 1 <= len(found) <= 10
        assert await sqs.delete(queue.url, found) == 0
        bodies |= {message.body for message in found}
    assert bodies == {str(number) for number in range(12)}


async def test_a_rule_sends_what_it_matches_and_nothing_else(post: Post) -> None:
    events, queue = post.aws.eventbridge(REGION), await post.queue(VisibilityTimeout="600")
    rule = EventRule(
        name=f"r-{uuid4().hex}",
        pattern=json.dumps(STATE_CHANGE),
        description="of a test",
        target_arn=queue.arn,
    )
    assert await events.ensure(rule, TAGS)
    assert not await events.ensure(rule, TAGS)
    post.run_one()
    (message,) = await post.receive(queue)
    assert json.loads(message.body)["detail"]["state"] == "running"
    wider = json.dumps({"source": ["aws.ec2"]})
    assert await events.ensure(msgspec.structs.replace(rule, pattern=wider), TAGS)
