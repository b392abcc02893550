import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import described, refusal, run

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def make(cloud: RunningSandbox, name: str, *, role: bool = True) -> str:
    iam = cloud.client("iam")
    made = iam.create_instance_profile(InstanceProfileName=name, Path="/spawn/")
    if role:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return made["InstanceProfile"]["Arn"]


def test_every_instance_has_it(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    arn = make(cloud, "every")
    made = run(ec2, ami, 3, IamInstanceProfile={"Name": "every"})
    assert [one["IamInstanceProfile"]["Arn"] for one in made["Instances"]] == [arn] * 3
    found = described(ec2, Filters=[{"Name": "iam-instance-profile.arn", "Values": [arn]}])
    assert len(found) == 3


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (
            {"Name": "absent"},
            (
                "Value (absent) for parameter iamInstanceProfile.name is invalid. "
                "Invalid IAM Instance Profile name"
            ),
        ),
        (
            {"Arn": "arn:aws:iam::123456789012:instance-profile/absent"},
            (
                "Value (arn:aws:iam::123456789012:instance-profile/absent) for parameter "
                "iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"
            ),
        ),
    ],
)
def test_an_unknown_one_is_refused_in_ec2s_words(
    ec2: Any, ami: str, asked: dict[str, str], text: str
) -> None:
    refused = refusal(
        ec2.run_instances, ImageId=ami, MinCount=1, MaxCount=1, IamInstanceProfile=asked
    )
    assert refused == ("InvalidParameterValue", text, 400)


def test_one_without_a_role_is_refused(ec2: Any, ami: str, cloud: RunningSandbox) -> None:
    make(cloud, "bare", role=False)
    with pytest.raises(ClientError, match=" has no associated IAM Roles"):
        run(ec2, ami, IamInstanceProfile={"Name": "bare"})


def test_a_new_one_is_unknown_until_it_has_propagated(
    ec2: Any, ami: str, cloud: RunningSandbox
) -> None:
    cloud.admin.post("lifecycle", {"profile_propagation": 3600})
    make(cloud, "slow")
    with pytest.raises(ClientError, match="Invalid IAM Instance Profile name"):
        run(ec2, ami, IamInstanceProfile={"Name": "slow"})
    cloud.admin.post("lifecycle", {"profile_propagation": 0})
    assert len(run(ec2, ami, IamInstanceProfile={"Name": "slow"})["Instances"]) == 1
