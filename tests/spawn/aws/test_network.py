"""The deployment's security group, when others make it too and EC2 is slow to see it."""

import pytest

from spawn.aws.calls import ATTEMPTS
from spawn.aws.session import Aws
from spawn.errors import Cause, Transient
from tests.fixtures.canned_aws import NAMESPACE, REGION, Answer, CannedAws, error, text

CREATED = text(
    f'<CreateSecurityGroupResponse xmlns="{NAMESPACE}"><groupId>sg-1</groupId>'
    "</CreateSecurityGroupResponse>"
)
AUTHORIZED = text(
    f'<AuthorizeSecurityGroupIngressResponse xmlns="{NAMESPACE}"><return>true</return>'
    "</AuthorizeSecurityGroupIngressResponse>"
)
SELF = (
    "<item><ipProtocol>-1</ipProtocol><groups><item><groupId>sg-1</groupId></item></groups></item>"
)
SSH = (
    "<item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>"
    "<ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>"
)


def groups(*rules: str, found: bool = True) -> Answer:
    item = (
        "<item><groupId>sg-1</groupId><groupName>spawn</groupName><vpcId>vpc-1</vpcId>"
        f"<ipPermissions>{''.join(rules)}</ipPermissions></item>"
    )
    body = f"<securityGroupInfo>{item if found else ''}</securityGroupInfo>"
    return text(
        f'<DescribeSecurityGroupsResponse xmlns="{NAMESPACE}">{body}'
        "</DescribeSecurityGroupsResponse>"
    )


NONE = groups(found=False)


async def ensure(aws: Aws, ssh_cidr: str = "") -> str:
    return await aws.ec2(REGION).ensure_security_group("spawn", "vpc-1", {"a": "b"}, ssh_cidr)


async def test_a_new_group_gets_its_rule(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeSecurityGroups", NONE, groups())
    cloud.answer("CreateSecurityGroup", CREATED)
    cloud.answer("AuthorizeSecurityGroupIngress", AUTHORIZED)
    assert await ensure(aws) == "sg-1"
    (rule,) = [form for api, form in cloud.asked if api == "AuthorizeSecurityGroupIngress"]
    assert rule["IpPermissions.1.IpProtocol"] == "-1"
    assert rule["IpPermissions.1.Groups.1.GroupId"] == "sg-1"


async def test_a_group_with_its_rules_costs_one_call(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeSecurityGroups", groups(SELF, SSH))
    assert await ensure(aws, "10.0.0.0/8") == "sg-1"
    assert aws.calls() == {"DescribeSecurityGroups": 1}


@pytest.mark.parametrize(
    ("rules", "missing"),
    [((), 2), ((SELF,), 1), ((SSH,), 1), ((SELF, SSH), 0)],
    ids=["none", "its own", "ssh", "both"],
)
async def test_rules_that_are_missing_are_added(
    cloud: CannedAws, aws: Aws, rules: tuple[str, ...], missing: int
) -> None:
    cloud.answer("DescribeSecurityGroups", groups(*rules))
    cloud.answer("AuthorizeSecurityGroupIngress", AUTHORIZED)
    await ensure(aws, "10.0.0.0/8")
    assert cloud.count("AuthorizeSecurityGroupIngress") == missing


async def test_another_replica_was_first(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeSecurityGroups", NONE, NONE, groups())
    cloud.answer("CreateSecurityGroup", error("InvalidGroup.Duplicate"))
    cloud.answer("AuthorizeSecurityGroupIngress", error("InvalidPermission.Duplicate"))
    assert await ensure(aws) == "sg-1"


async def test_a_group_that_ec2_does_not_see_everywhere_yet(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeSecurityGroups", NONE, NONE, groups())
    cloud.answer("CreateSecurityGroup", CREATED)
    cloud.answer("AuthorizeSecurityGroupIngress", error("InvalidGroup.NotFound"), AUTHORIZED)
    assert await ensure(aws) == "sg-1"


async def test_a_group_that_is_never_seen(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeSecurityGroups", NONE)
    cloud.answer("CreateSecurityGroup", CREATED)
    with pytest.raises(Transient) as raised:
        await ensure(aws)
    assert raised.value.cause is Cause.PROPAGATING
    assert cloud.count("DescribeSecurityGroups") == 1 + ATTEMPTS


async def test_a_group_whose_rules_cannot_be_set_yet(cloud: CannedAws, aws: Aws) -> None:
    cloud.answer("DescribeSecurityGroups", groups())
    cloud.answer("AuthorizeSecurityGroupIngress", error("InvalidGroup.NotFound"))
    with pytest.raises(Transient) as raised:
        await ensure(aws)
    assert raised.value.cause is Cause.PROPAGATING
