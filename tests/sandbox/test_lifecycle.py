import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import described, ids, image, run, until

REGION = "us-west-2"


@pytest.fixture(scope="module")
def ec2(quick: RunningSandbox) -> Any:
    return quick.client("ec2", region=REGION)


@pytest.fixture(scope="module")
def ami(quick: RunningSandbox) -> str:
    return image(quick, region=REGION)


def code_of(call: Any, **asked: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer: Any = caught.value.response
    return answer["Error"]["Code"]


def change(answer: dict[str, Any], what: str) -> tuple[str, str]:
    (one,) = answer[what]
    return one["PreviousState"]["Name"], one["CurrentState"]["Name"]


def test_an_instance_goes_through_its_states(ec2: Any, ami: str) -> None:
    made = ids(run(ec2, ami))
    until(ec2, "running", made)
    stopping = ec2.stop_instances(InstanceIds=made)
    assert change(stopping, "StoppingInstances") == ("running", "stopping")
    until(ec2, "stopped", made)
    starting = ec2.start_instances(InstanceIds=made)
    assert change(starting, "StartingInstances") == ("stopped", "pending")
    until(ec2, "running", made)
    ec2.reboot_instances(InstanceIds=made)
    assert described(ec2, InstanceIds=made)[0]["State"]["Name"] == "running"
    ending = ec2.terminate_instances(InstanceIds=made)
    assert change(ending, "TerminatingInstances") == ("running", "shutting-down")
    until(ec2, "terminated", made)
    again = ec2.terminate_instances(InstanceIds=made)
    assert change(again, "TerminatingInstances") == ("terminated", "terminated")


def test_states_take_the_time_that_is_set(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    cloud.admin.post("lifecycle", {"pending": [3600, 7200], "shutting_down": 3600})
    made = ids(run(ec2, ami, 3))
    assert {one["State"]["Name"] for one in described(ec2, InstanceIds=made)} == {"pending"}
    ec2.terminate_instances(InstanceIds=made)
    assert {o["State"]["Name"] for o in described(ec2, InstanceIds=made)} == {"shutting-down"}


def test_a_termination_while_pending_wins(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    cloud.admin.post("lifecycle", {"pending": 0.2, "shutting_down": 0.01})
    made = ids(run(ec2, ami, 2))
    ec2.terminate_instances(InstanceIds=made)
    until(ec2, "terminated", made)
    later = ids(run(ec2, ami))
    until(ec2, "running", later)
    assert {o["State"]["Name"] for o in described(ec2, InstanceIds=made)} == {"terminated"}


def test_illegal_moves_are_refused(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    cloud.admin.post("lifecycle", {"stopping": 3600})
    ended, stopping = ids(run(ec2, ami)), ids(run(ec2, ami))
    ec2.terminate_instances(InstanceIds=ended)
    until(ec2, "running", stopping)
    ec2.stop_instances(InstanceIds=stopping)
    until(ec2, "terminated", ended)
    for call in (ec2.start_instances, ec2.stop_instances, ec2.reboot_instances):
        assert code_of(call, InstanceIds=ended) == "IncorrectInstanceState"
    assert code_of(ec2.start_instances, InstanceIds=stopping) == "IncorrectInstanceState"


def test_a_running_instance_keeps_its_type(ec2: Any, ami: str) -> None:
    made = ids(run(ec2, ami))
    until(ec2, "running", made)
    bigger = {"InstanceId": made[0], "InstanceType": {"Value": "t3.large"}}
    assert code_of(ec2.modify_instance_attribute, **bigger) == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=made)
    until(ec2, "stopped", made)
    ec2.modify_instance_attribute(**bigger)
    assert described(ec2, InstanceIds=made)[0]["InstanceType"] == "t3.large"


def test_a_one_time_spot_instance_is_not_stopped(ec2: Any, ami: str) -> None:
    persistent = {"SpotInstanceType": "persistent", "InstanceInterruptionBehavior": "stop"}
    once = ids(run(ec2, ami, InstanceMarketOptions={"MarketType": "spot"}))
    stays = ids(
        run(ec2, ami, InstanceMarketOptions={"MarketType": "spot", "SpotOptions": persistent})
    )
    until(ec2, "running", once + stays)
    assert code_of(ec2.stop_instances, InstanceIds=once) == "UnsupportedOperation"
    ec2.stop_instances(InstanceIds=stays)


def test_an_instance_whose_subnet_is_gone_still_ends(ec2: Any, ami: str) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24", AvailabilityZone=f"{REGION}a")[
        "Subnet"
    ]["SubnetId"]
    made, other = ids(run(ec2, ami, SubnetId=subnet)), ids(run(ec2, ami))
    ec2.delete_subnet(SubnetId=subnet)
    ec2.terminate_instances(InstanceIds=made + other)
    until(ec2, "terminated", made + other)


class TestTerminate:
    @pytest.mark.parametrize(
        ("bad", "code"),
        [
            ("i-00000000000000001", "InvalidInstanceID.NotFound"),
            ("server", "InvalidInstanceID.Malformed"),
        ],
    )
    def test_one_bad_id_ends_nothing(self, ec2: Any, ami: str, bad: str, code: str) -> None:
        made = ids(run(ec2, ami, 2))
        assert code_of(ec2.terminate_instances, InstanceIds=[*made, bad]) == code
        until(ec2, "running", made)

    def test_one_protected_instance_ends_nothing(self, ec2: Any, ami: str) -> None:
        protected, free = ids(run(ec2, ami, DisableApiTermination=True)), ids(run(ec2, ami))
        both = protected + free
        assert code_of(ec2.terminate_instances, InstanceIds=both) == "OperationNotPermitted"
        until(ec2, "running", both)

    def test_a_dry_run_ends_nothing(self, ec2: Any, ami: str) -> None:
        made = ids(run(ec2, ami))
        asked = {"InstanceIds": made, "DryRun": True}
        assert code_of(ec2.terminate_instances, **asked) == "DryRunOperation"
        until(ec2, "running", made)

    def test_an_instance_that_describe_does_not_see_yet_can_be_ended(
        self, ec2: Any, ami: str, cloud: RunningSandbox
    ) -> None:
        cloud.admin.post("lifecycle", {"invisible": 3600})
        ec2.terminate_instances(InstanceIds=ids(run(ec2, ami)))


def test_hibernation_has_its_own_reason(ec2: Any, ami: str) -> None:
    plain = ids(run(ec2, ami))
    ready = ids(run(ec2, ami, HibernationOptions={"Configured": True}))
    until(ec2, "running", plain + ready)
    refused = code_of(ec2.stop_instances, InstanceIds=plain, Hibernate=True)
    assert refused == "UnsupportedHibernationConfiguration"
    ec2.stop_instances(InstanceIds=ready, Hibernate=True)
    until(ec2, "stopped", ready)
    (one,) = described(ec2, InstanceIds=ready)
    assert one["StateReason"]["Code"] == "Client.UserInitiatedHibernate"


def test_each_change_of_state_is_an_event(ec2: Any, ami: str, quick: RunningSandbox) -> None:
    sqs = quick.client("sqs", region=REGION)
    events = quick.client("events", region=REGION)
    url = sqs.create_queue(QueueName="states")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:123456789012:states"
    pattern = {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]}
    events.put_rule(Name="states", EventPattern=json.dumps(pattern))
    other = sqs.create_queue(QueueName="states-2")["QueueUrl"]
    targets = [{"Id": "1", "Arn": arn}, {"Id": "2", "Arn": f"{arn}-2"}]
    events.put_targets(Rule="states", Targets=targets)
    (made,) = ids(run(ec2, ami))
    until(ec2, "running", [made])
    ec2.terminate_instances(InstanceIds=[made])
    for queue in (url, other):
        told = [json.loads(body) for body in receive(sqs, queue, 4)]
        states = [one["detail"]["state"] for one in told]
        assert states == ["pending", "running", "shutting-down", "terminated"]
        first = told[0]
        assert first["account"] == "123456789012"
        assert first["region"] == REGION
        assert first["resources"] == [f"arn:aws:ec2:{REGION}:123456789012:instance/{made}"]
        assert first["detail"] == {"instance-id": made, "state": "pending"}
        assert first["time"].endswith("Z")
    events.remove_targets(Rule="states", Ids=["1", "2"])


def receive(sqs: Any, url: str, count: int) -> list[str]:
    bodies: list[str] = []
    while len(bodies) < count:
        got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10)
        assert got.get("Messages"), "nothing came for 20 s"
        for message in got["Messages"]:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def test_states_change_while_nobody_looks(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    """The reply is lost and nothing else is asked: only the event tells."""
    sqs, events = (cloud.client(service, region=REGION) for service in ("sqs", "events"))
    url = sqs.create_queue(QueueName="unseen")["QueueUrl"]
    pattern = {"source": ["aws.ec2"], "detail": {"state": ["running"]}}
    events.put_rule(Name="unseen", EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:123456789012:unseen"}
    events.put_targets(Rule="unseen", Targets=[target])
    cloud.admin.post("fault", {"api": "RunInstances", "kind": "lost-reply"})
    with pytest.raises(ConnectionClosedError):
        run(ec2, ami)
    assert len(receive(sqs, url, 1)) == 1
    events.remove_targets(Rule="unseen", Ids=["1"])
