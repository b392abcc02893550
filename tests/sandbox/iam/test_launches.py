"""What a launch must be allowed: all that it uses, all that it makes, and the role that it passes.

Cases of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.iam.identities import ACCOUNT, Caller, a_role, arn_of, may, refusal
from tests.sandbox.iam.policies import allow, deny

EC2 = f"arn:aws:ec2:us-east-1:{ACCOUNT}"
ANY = [
    "arn:aws:ec2:us-east-1::image/*",
    *(f"{EC2}:{kind}/*" for kind in ("subnet", "security-group", "network-interface", "volume")),
]
RUN = "ec2:RunInstances"


def launch(caller: Caller, ami: str, **more: Any) -> str:
    """Launch; return what was refused, or nothing."""
    arguments = {"ImageId": ami, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro", **more}
    try:
        caller.client("ec2").run_instances(**arguments)
    except ClientError as error:
        said: Any = error.response
        assert said["Error"]["Code"] == "UnauthorizedOperation"
        text = str(said["Error"]["Message"])
        return text.partition("not authorized to perform: ")[2].partition(" because")[0]
    return ""


def tags(kind: str, **tags: str) -> dict[str, Any]:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"ResourceType": kind, "Tags": listed}


def test_everything_is_asked_for_by_itself(cloud: RunningSandbox, ami: str) -> None:
    assert not launch(may(cloud, allow(RUN, [*ANY, f"{EC2}:instance/*"])), ami)
    refused = launch(may(cloud, allow(RUN, ANY)), ami)
    assert refused == f"{RUN} on resource: {EC2}:instance/*"


def test_a_type_can_be_wanted(cloud: RunningSandbox, ami: str) -> None:
    small = allow(RUN, f"{EC2}:instance/*", StringLike={"ec2:InstanceType": "t3.*"})
    caller = may(cloud, allow(RUN, ANY), small)
    assert not launch(caller, ami)
    assert launch(caller, ami, InstanceType="m5.large")


def test_tags_can_be_wanted_where_they_are_given(cloud: RunningSandbox, ami: str) -> None:
    ours = {"aws:RequestTag/team": "a"}
    caller = may(
        cloud,
        allow(RUN, ANY),
        allow(RUN, f"{EC2}:instance/*", StringEquals=ours),
        allow("ec2:CreateTags", f"{EC2}:*", StringEquals={"ec2:CreateAction": "RunInstances"}),
    )
    assert launch(caller, ami) == f"{RUN} on resource: {EC2}:instance/*"
    assert launch(caller, ami, TagSpecifications=[tags("volume", team="a")])
    assert launch(caller, ami, TagSpecifications=[tags("instance", team="b")])
    assert not launch(caller, ami, TagSpecifications=[tags("instance", team="a")])


def test_tags_of_a_launch_are_asked_for_too(cloud: RunningSandbox, ami: str) -> None:
    caller = may(cloud, allow(RUN))
    refused = launch(caller, ami, TagSpecifications=[tags("instance", team="a")])
    assert refused == f"ec2:CreateTags on resource: {EC2}:instance/*"


def test_what_a_launch_may_tag_nobody_else_may(cloud: RunningSandbox, ami: str) -> None:
    caller = may(
        cloud,
        allow(RUN),
        allow("ec2:CreateTags", StringEquals={"ec2:CreateAction": "RunInstances"}),
    )
    made = caller.client("ec2").run_instances(ImageId=ami, MinCount=1, MaxCount=1)
    instance = made["Instances"][0]["InstanceId"]
    code, _ = refusal(
        caller.client("ec2").create_tags,
        Resources=[instance],
        Tags=[{"Key": "team", "Value": "a"}],
    )
    assert code == "UnauthorizedOperation"


@pytest.fixture(scope="module")
def profile(quick: RunningSandbox) -> str:
    iam, role = quick.client("iam"), a_role(quick, Path="/passed/")
    iam.create_instance_profile(InstanceProfileName=role)
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    return role


def test_a_role_is_passed_by_who_may(cloud: RunningSandbox, ami: str, profile: str) -> None:
    asked = {"IamInstanceProfile": {"Name": profile}}
    role = arn_of(cloud, profile)
    to_ec2 = {"iam:PassedToService": "ec2.amazonaws.com"}
    refused = launch(may(cloud, allow(RUN)), ami, **asked)
    assert refused == f"iam:PassRole on resource: {role}"
    passes = allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/passed/*", StringEquals=to_ec2)
    assert not launch(may(cloud, allow(RUN), passes), ami, **asked)
    to_others = {"iam:PassedToService": "lambda.amazonaws.com"}
    elsewhere = allow("iam:PassRole", "*", StringEquals=to_others)
    assert launch(may(cloud, allow(RUN), elsewhere), ami, **asked)
    other = allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/other/*")
    assert launch(may(cloud, allow(RUN), other), ami, **asked)


def test_only_what_carries_a_tag_is_ended(cloud: RunningSandbox, ec2: Any, ami: str) -> None:
    one, other = (
        made["InstanceId"]
        for made in ec2.run_instances(ImageId=ami, MinCount=2, MaxCount=2)["Instances"]
    )
    ec2.create_tags(Resources=[one], Tags=[{"Key": "Team", "Value": "a"}])
    ours = {"aws:ResourceTag/Team": "a"}
    end = may(cloud, allow("ec2:TerminateInstances", StringEquals=ours)).client("ec2")
    assert refusal(end.terminate_instances, InstanceIds=[other])[0] == "UnauthorizedOperation"
    # One that is refused refuses the call.
    both = refusal(end.terminate_instances, InstanceIds=[one, other])
    assert both[0] == "UnauthorizedOperation"
    assert end.terminate_instances(InstanceIds=[one])["TerminatingInstances"]
    prod = deny("ec2:TerminateInstances", StringEquals={"ec2:ResourceTag/team": "a"})
    but = may(cloud, allow("ec2:*"), prod).client("ec2")
    assert but.terminate_instances(InstanceIds=[other])["TerminatingInstances"]


def test_a_dry_run_says_whether_one_may(cloud: RunningSandbox, ami: str) -> None:
    asked = {"ImageId": ami, "MinCount": 1, "MaxCount": 1, "DryRun": True}
    may_not, does = may(cloud).client("ec2"), may(cloud, allow(RUN)).client("ec2")
    assert refusal(may_not.run_instances, **asked)[0] == "UnauthorizedOperation"
    assert refusal(does.run_instances, **asked)[0] == "DryRunOperation"


def test_a_group_is_made_with_its_tags_in_a_vpc(cloud: RunningSandbox, ec2: Any) -> None:
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    asked: dict[str, Any] = {"GroupName": "guarded", "Description": "d", "VpcId": vpc}
    ours = {"aws:RequestTag/team": "a"}
    make = "ec2:CreateSecurityGroup"
    tagged = allow(make, f"{EC2}:security-group/*", StringEquals=ours)
    tag = allow("ec2:CreateTags", f"{EC2}:security-group/*", StringEquals=ours)
    inside = allow(make, f"{EC2}:vpc/{vpc}")
    specified = {"TagSpecifications": [tags("security-group", team="a")]}
    nowhere = may(cloud, tagged, tag).client("ec2").create_security_group
    assert refusal(nowhere, **asked, **specified)[0] == "UnauthorizedOperation"
    untagged = may(cloud, tagged, tag, inside).client("ec2").create_security_group
    assert refusal(untagged, **asked)[0] == "UnauthorizedOperation"
    made = (
        may(cloud, tagged, tag, inside).client("ec2").create_security_group(**asked, **specified)
    )
    opens = allow("ec2:AuthorizeSecurityGroupIngress", StringEquals={"aws:ResourceTag/team": "a"})
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    rules = {"GroupId": made["GroupId"], "IpPermissions": [rule]}
    may(cloud, opens).client("ec2").authorize_security_group_ingress(**rules)
