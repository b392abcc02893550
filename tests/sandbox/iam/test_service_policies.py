"""What services may and may not do under their policies of docs/iam/."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from scripts.service_policy import Place, names, render
from services.iam_broker.plan.boundary import boundary_policy
from spawn.permissions.documents import size_of
from tests.fixtures.least_privilege import PLACE, with_policy
from tests.fixtures.proving import DEPLOYMENT
from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.iam.identities import ACCOUNT, EC2_TRUST, a_role, document, refusal, session
from tests.sandbox.iam.policies import allow

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/spawn/spawn-boundary"
OURS = [{"Key": "spawn:deployment", "Value": DEPLOYMENT}]
THEIRS = [{"Key": "spawn:deployment", "Value": "another"}]
LARGEST_MANAGED = 6144
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
Call = Callable[[], Any]


def refuses(*calls: Call) -> None:
    """Fail unless every call is refused for want of permission."""
    for call in calls:
        assert refusal(call)[0] in REFUSED, call


@pytest.fixture
def launch(ami: str) -> dict[str, Any]:
    """The parameters of a launch as the launcher makes it."""
    return {
        "ImageId": ami,
        "MinCount": 1,
        "MaxCount": 1,
        "MetadataOptions": {"HttpTokens": "required"},
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": OURS} for kind in ("instance", "volume")
        ],
    }


def an_instance(cloud: RunningSandbox, launch: dict[str, Any], tags: Any) -> str:
    specified = [{"ResourceType": "instance", "Tags": tags}]
    made = cloud.client("ec2").run_instances(**{**launch, "TagSpecifications": specified})
    return made["Instances"][0]["InstanceId"]


def a_profile(cloud: RunningSandbox, path: str) -> str:
    iam, role = cloud.client("iam"), a_role(cloud, Path=path)
    iam.create_instance_profile(InstanceProfileName=role, Path=path)
    iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    return role


def test_the_launcher(cloud: RunningSandbox, launch: dict[str, Any]) -> None:
    launcher = with_policy(cloud, "launcher")
    ec2, iam = launcher.client("ec2"), launcher.client("iam")
    run = partial(ec2.run_instances, **launch)
    passed, foreign = a_profile(cloud, "/spawn/"), a_profile(cloud, "/")
    made = run(IamInstanceProfile={"Name": passed})["Instances"][0]["InstanceId"]
    theirs = an_instance(cloud, launch, THEIRS)
    refuses(
        partial(run, IamInstanceProfile={"Name": foreign}),
        partial(run, TagSpecifications=[]),
        partial(run, TagSpecifications=[{"ResourceType": "instance", "Tags": THEIRS}]),
        partial(run, MetadataOptions={"HttpTokens": "optional"}),
        partial(ec2.terminate_instances, InstanceIds=[theirs]),
        partial(ec2.create_tags, Resources=[theirs], Tags=OURS),
        partial(ec2.create_security_group, GroupName="x", Description="x"),
        partial(iam.create_role, RoleName="x", AssumeRolePolicyDocument=json.dumps(EC2_TRUST)),
        partial(iam.get_role, RoleName=passed),
        partial(launcher.client("ssm").get_parameter, Name="/mine"),
        partial(launcher.client("s3").create_bucket, Bucket="somebodys"),
        launcher.client("s3").list_buckets,
        launcher.client("sqs").list_queues,
        launcher.client("route53").list_hosted_zones,
    )
    assert ec2.terminate_instances(InstanceIds=[made])["TerminatingInstances"]


def test_the_launcher_may_pass_the_roles_that_are_allowed(
    cloud: RunningSandbox, launch: dict[str, Any]
) -> None:
    profile = a_profile(cloud, "/team/")
    caller = with_policy(cloud, "launcher")
    run = partial(
        caller.client("ec2").run_instances, **launch, IamInstanceProfile={"Name": profile}
    )
    refuses(run)
    role = with_policy(cloud, "launcher", allowed_roles=[profile])
    role.client("ec2").run_instances(**launch, IamInstanceProfile={"Name": profile})


def test_the_broker(cloud: RunningSandbox, launch: dict[str, Any]) -> None:
    root, broker = cloud.client("iam"), with_policy(cloud, "iam_broker")
    iam = broker.client("iam")
    iam.create_policy(
        PolicyName="spawn-boundary",
        Path="/spawn/",
        PolicyDocument=boundary_policy("aws", ACCOUNT),
        Tags=OURS,
    )
    trust = json.dumps(EC2_TRUST)
    make = partial(iam.create_role, AssumeRolePolicyDocument=trust, Tags=OURS, Path="/spawn/")
    make(RoleName="bounded", PermissionsBoundary=BOUNDARY)
    everything = document(allow())
    put = partial(iam.put_role_policy, PolicyName="p", PolicyDocument=everything)
    put(RoleName="bounded")
    # What others have made, with or without a boundary.
    loose = a_role(cloud, Path="/spawn/", Tags=OURS)
    theirs = a_role(cloud, Path="/spawn/", Tags=THEIRS, PermissionsBoundary=BOUNDARY)
    root.create_user(UserName="ann")
    refuses(
        partial(make, RoleName="unbounded"),
        partial(
            make, RoleName="x", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess"
        ),
        partial(make, RoleName="x", PermissionsBoundary=BOUNDARY, Path="/"),
        partial(make, RoleName="x", PermissionsBoundary=BOUNDARY, Tags=THEIRS),
        partial(put, RoleName=loose),
        partial(put, RoleName=theirs),
        partial(iam.delete_role, RoleName=theirs),
        partial(iam.tag_role, RoleName=theirs, Tags=OURS),
        partial(iam.update_assume_role_policy, RoleName=theirs, PolicyDocument=trust),
        partial(iam.delete_role_permissions_boundary, RoleName="bounded"),
        partial(iam.create_policy_version, PolicyArn=BOUNDARY, PolicyDocument=everything),
        partial(iam.delete_policy, PolicyArn=BOUNDARY),
        partial(iam.create_policy, PolicyName="mine", PolicyDocument=everything),
        partial(iam.put_user_policy, UserName="ann", PolicyName="p", PolicyDocument=everything),
        partial(iam.create_access_key, UserName="ann"),
        partial(broker.client("ec2").run_instances, **launch),
        broker.client("s3").list_buckets,
    )
    iam.put_role_permissions_boundary(RoleName=loose, PermissionsBoundary=BOUNDARY)
    put(RoleName=loose)


def test_the_spot_watcher(cloud: RunningSandbox, launch: dict[str, Any]) -> None:
    watcher = with_policy(cloud, "spot_watcher")
    sqs, events = watcher.client("sqs"), watcher.client("events")
    name = f"spawn-{DEPLOYMENT}"
    own = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=own)
    pattern = json.dumps({"source": ["aws.ec2"]})
    events.put_rule(Name=name, EventPattern=pattern)
    events.put_targets(
        Rule=name, Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"}]
    )
    other = cloud.client("sqs").create_queue(QueueName="others")["QueueUrl"]
    refuses(
        partial(sqs.receive_message, QueueUrl=other),
        partial(sqs.send_message, QueueUrl=own, MessageBody="x"),
        partial(sqs.delete_queue, QueueUrl=own),
        partial(events.put_rule, Name="others", EventPattern=pattern),
        partial(watcher.client("ec2").run_instances, **launch),
        watcher.client("iam").list_roles,
        watcher.client("ec2").describe_instances,
    )


def change(zone: str, name: str, kind: str = "A", value: str = "192.0.2.1") -> dict[str, Any]:
    record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": record}]
    return {"HostedZoneId": zone, "ChangeBatch": {"Changes": changes}}


def test_the_dns_service(cloud: RunningSandbox) -> None:
    zones = cloud.client("route53")
    own, other = (
        zones.create_hosted_zone(Name="example.com", CallerReference=each)["HostedZone"]["Id"]
        for each in ("own", "other")
    )
    place = replace(PLACE, zone=own.rpartition("/")[2])
    names_ = with_policy(cloud, "dns", place).client("route53")
    write = names_.change_resource_record_sets
    done = write(**change(own, "Training-3.spawn.example.com."))
    assert names_.get_change(Id=done["ChangeInfo"]["Id"])["ChangeInfo"]
    assert names_.list_resource_record_sets(HostedZoneId=own)["ResourceRecordSets"]
    two = change(own, "a.spawn.example.com")
    two["ChangeBatch"]["Changes"] += change(own, "www.example.com")["ChangeBatch"]["Changes"]
    upsert = change(own, "a.spawn.example.com")
    upsert["ChangeBatch"]["Changes"][0]["Action"] = "UPSERT"
    refuses(
        partial(write, **change(own, "www.example.com")),
        partial(write, **change(own, "spawn.example.com")),
        partial(write, **change(own, "x.spawn.example.com.evil.org")),
        partial(write, **two),
        partial(write, **upsert),
        partial(write, **change(own, "a.spawn.example.com", "NS", "ns.evil.org.")),
        partial(write, **change(other, "a.spawn.example.com")),
        partial(names_.list_resource_record_sets, HostedZoneId=other),
        partial(names_.delete_hosted_zone, Id=own),
        names_.list_hosted_zones,
    )


def test_the_ttl_service(cloud: RunningSandbox, launch: dict[str, Any]) -> None:
    ours, theirs = an_instance(cloud, launch, OURS), an_instance(cloud, launch, THEIRS)
    ec2 = with_policy(cloud, "ttl").client("ec2")
    lease = {"Key": "spawn:lease", "Value": "2026-01-02T15:04:05Z"}
    ec2.create_tags(Resources=[ours], Tags=[lease])
    refuses(
        partial(ec2.create_tags, Resources=[theirs], Tags=[lease]),
        partial(ec2.create_tags, Resources=[ours], Tags=[lease, *OURS]),
        partial(ec2.delete_tags, Resources=[ours], Tags=[lease]),
        partial(ec2.terminate_instances, InstanceIds=[ours]),
        partial(ec2.stop_instances, InstanceIds=[ours]),
    )


def test_a_machine_within_the_boundary(cloud: RunningSandbox, launch: dict[str, Any]) -> None:
    """Whatever it was granted, it does not reach the account."""
    iam = cloud.client("iam")
    limit = "arn:aws:iam::123456789012:policy/limit-of-machines"
    iam.create_policy(PolicyName="limit-of-machines", PolicyDocument=render("boundary", PLACE))
    own = a_role(cloud)
    role = a_role(cloud, allow(), PermissionsBoundary=limit)
    machine = session(cloud, role)
    ec2 = machine.client("ec2")
    machine.client("s3").list_buckets()
    ec2.describe_instances()
    instance = an_instance(cloud, launch, OURS)
    refuses(
        partial(ec2.run_instances, **launch),
        partial(ec2.create_tags, Resources=[instance], Tags=OURS),
        machine.client("iam").list_roles,
        partial(
            machine.client("sts").assume_role,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{own}",
            RoleSessionName="me",
        ),
    )


@pytest.mark.parametrize("name", names())
def test_a_policy_is_small_and_whole(name: str) -> None:
    text = render(name, Place(account=ACCOUNT, deployment="d" * 64, zone="Z" * 32, base="b" * 200))
    assert size_of(text) < LARGEST_MANAGED
    assert not re.search(r"\{[a-z]+\}", text)


def test_the_boundary_is_the_one_that_the_broker_makes() -> None:
    written = json.loads(render("boundary", PLACE))
    assert written == json.loads(boundary_policy("aws", ACCOUNT))
