from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import ids, refusal, run, until, with_token


def test_the_same_request_is_the_same_reservation(ec2: Any, ami: str) -> None:
    first = run(ec2, ami, 3, ClientToken="same")
    until(ec2, "running", ids(first))
    again = run(ec2, ami, 3, ClientToken="same")
    assert again["ReservationId"] == first["ReservationId"]
    index = {one["InstanceId"]: one["AmiLaunchIndex"] for one in first["Instances"]}
    assert {o["InstanceId"]: o["AmiLaunchIndex"] for o in again["Instances"]} == index
    assert {o["State"]["Name"] for o in again["Instances"]} == {"running"}
    assert len(with_token(ec2, "same")) == 3


def test_other_parameters_are_a_mismatch(ec2: Any, ami: str) -> None:
    run(ec2, ami, ClientToken="mismatch")
    code, text, status = refusal(
        ec2.run_instances,
        ImageId=ami,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.small",
        ClientToken="mismatch",
    )
    assert (code, status) == ("IdempotentParameterMismatch", 400)
    assert "inconsistent with arguments used in previous request" in text


def test_ended_instances_burn_the_token(ec2: Any, ami: str) -> None:
    made = ids(run(ec2, ami, 2, ClientToken="ended"))
    ec2.terminate_instances(InstanceIds=made[:1])
    assert len(run(ec2, ami, 2, ClientToken="ended")["Instances"]) == 2
    ec2.terminate_instances(InstanceIds=made[1:])
    with pytest.raises(ClientError, match="IdempotentInstanceTerminated"):
        run(ec2, ami, 2, ClientToken="ended")


def test_a_token_counts_in_its_zone(ec2: Any, ami: str) -> None:
    zones = [{"AvailabilityZone": f"us-east-1{letter}"} for letter in "ab"]
    one, two = (run(ec2, ami, ClientToken="zonal", Placement=zone) for zone in zones)
    assert one["ReservationId"] != two["ReservationId"]
    again = run(ec2, ami, ClientToken="zonal", Placement=zones[0])
    assert again["ReservationId"] == one["ReservationId"]


def test_a_lost_reply_is_found_again(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    cloud.admin.post("fault", {"api": "RunInstances", "kind": "lost-reply"})
    with pytest.raises(ConnectionClosedError):
        run(ec2, ami, 4, ClientToken="lost")
    assert len(with_token(ec2, "lost")) == 4
    assert len(run(ec2, ami, 4, ClientToken="lost")["Instances"]) == 4
    assert len(with_token(ec2, "lost")) == 4


def test_duplicates_at_once_make_one_reservation(ec2: Any, ami: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        many = [pool.submit(run, ec2, ami, 2, ClientToken="crowd") for _ in range(16)]
    assert len({one.result()["ReservationId"] for one in many}) == 1
    assert len(with_token(ec2, "crowd")) == 2


def test_without_a_token_of_ones_own_every_call_launches(ec2: Any, ami: str) -> None:
    assert run(ec2, ami)["ReservationId"] != run(ec2, ami)["ReservationId"]
