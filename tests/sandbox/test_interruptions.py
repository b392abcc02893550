import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.ec2.interruptions import RECOMMENDATION, WARNING
from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import described, ids, image, run, until

_ASKED = 200
"""Long polls of a second: far more than anything here takes."""


class Ear:
    """A queue that hears what EC2 tells EventBridge, in a region of its own."""

    def __init__(self, cloud: RunningSandbox, region: str) -> None:
        self._sqs = cloud.client("sqs", region=region)
        events = cloud.client("events", region=region)
        self._queue = self._sqs.create_queue(QueueName="ear")["QueueUrl"]
        where = {"QueueUrl": self._queue, "AttributeNames": ["QueueArn"]}
        arn = self._sqs.get_queue_attributes(**where)["Attributes"]["QueueArn"]
        events.put_rule(Name="ear", EventPattern=json.dumps({"source": ["aws.ec2"]}))
        events.put_targets(Rule="ear", Targets=[{"Id": "ear", "Arn": arn}])
        self.heard: list[dict[str, Any]] = []

    def until(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Listen until what was heard is enough."""
        for _ in range(_ASKED):
            if enough(self.heard):
                return self.heard
            found = self._sqs.receive_message(
                QueueUrl=self._queue, WaitTimeSeconds=1, MaxNumberOfMessages=10
            )
            self.heard += [json.loads(one["Body"]) for one in found.get("Messages", [])]
        raise AssertionError(self.heard)

    def of(self, detail_type: str) -> list[dict[str, Any]]:
        return [one for one in self.heard if one["detail-type"] == detail_type]


class Spot:
    """Spot instances of one array, and who hears of them."""

    def __init__(self, cloud: RunningSandbox, region: str, *, count: int = 1) -> None:
        self.cloud = cloud
        self.ec2 = cloud.client("ec2", region=region)
        self.ear = Ear(cloud, region)
        self.name = f"spot-{region}"
        tags = {"spawn:array-id": f"{self.name}-abc", "spawn:array-name": self.name}
        self.ids = self.launch(count, **tags)

    def launch(self, count: int, **tags: str) -> list[str]:
        made = run(
            self.ec2,
            image(self.cloud, region=self.ec2.meta.region_name),
            count,
            InstanceMarketOptions={"MarketType": "spot"},
            TagSpecifications=[
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )
        until(self.ec2, "running", ids(made))
        return ids(made)

    def warned(self) -> list[str]:
        return [one["detail"]["instance-id"] for one in self.ear.of(WARNING)]


def test_an_interruption_is_warned_of_and_comes(cloud: RunningSandbox) -> None:
    spot = Spot(cloud, "eu-west-1", count=2)
    answer = cloud.admin.post("interrupt", {"array": spot.name, "ranks": [1], "lead": 0.1})
    (taken,) = answer["instances"]
    spot.ear.until(lambda _: spot.warned() == [taken])
    (warning,) = spot.ear.of(WARNING)
    assert (warning["source"], warning["detail"]["instance-action"]) == ("aws.ec2", "terminate")
    assert warning["detail"]["instance-id"] == taken
    until(spot.ec2, "terminated", [taken])
    (gone,) = described(spot.ec2, InstanceIds=[taken])
    assert gone["StateReason"]["Code"] == "Server.SpotInstanceTermination"
    (other,) = [one for one in spot.ids if one != taken]
    (alive,) = described(spot.ec2, InstanceIds=[other])
    assert alive["State"]["Name"] == "running"


def test_a_silent_one_comes_without_a_warning(cloud: RunningSandbox) -> None:
    spot = Spot(cloud, "eu-west-2")
    cloud.admin.post("interrupt", {"array": f"{spot.name}-abc", "lead": 0, "silent": True})
    until(spot.ec2, "terminated", spot.ids)
    spot.ear.until(lambda heard: any(one["detail"].get("state") == "terminated" for one in heard))
    assert spot.warned() == []


def test_events_can_be_lost_and_come_late_and_twice(cloud: RunningSandbox) -> None:
    spot = Spot(cloud, "eu-west-3", count=2)
    first, second = spot.ids
    cloud.admin.post("notices", {"loss": 1.0})
    cloud.admin.post("rebalance", {"instance_ids": [first]})
    cloud.admin.post("notices", {"loss": 0.0, "duplicates": 1.0, "events_late": [0.05, 0.1]})
    cloud.admin.post("rebalance", {"instance_ids": [second]})
    spot.ear.until(lambda _: len(spot.ear.of(RECOMMENDATION)) == 2)
    one, two = spot.ear.of(RECOMMENDATION)
    assert one == two
    assert one["detail"] == {"instance-id": second}


def test_a_storm_comes_once_the_array_is_large_enough(cloud: RunningSandbox) -> None:
    cloud.admin.post("storm", {"running": 6, "count": 4, "within": [0, 0.2], "lead": 30})
    spot = Spot(cloud, "eu-north-1", count=5)
    spot.launch(1, **{"spawn:array-id": f"{spot.name}-abc"})
    spot.ear.until(lambda _: len(spot.warned()) >= 4)
    assert len(set(spot.warned())) == len(spot.warned()) == 4


def test_what_is_on_demand_is_never_taken_back(cloud: RunningSandbox, ec2: Any, ami: str) -> None:
    (mine,) = ids(run(ec2, ami))
    until(ec2, "running", [mine])
    status, answer = cloud.admin.request("POST", "/_spawn/interrupt", {"instance_ids": [mine]})
    assert (status, answer["error"]) == (400, "on-demand instances are never interrupted")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"array": "nobody"}, 404, "no such running instance"),
        ({}, 400, "name an array"),
        ({"array": "x", "lead": -1}, 400, "lead"),
        ({"array": "x", "soon": True}, 400, "soon"),
    ],
)
def test_what_cannot_be_is_said(
    cloud: RunningSandbox, body: dict[str, Any], status: int, said: str
) -> None:
    answered, answer = cloud.admin.request("POST", "/_spawn/interrupt", body)
    assert answered == status
    assert said in answer["error"]
