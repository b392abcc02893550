import time
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import described, ids, image, run, until

REGION = "eu-west-1"


def tagged(**tags: str) -> list[dict[str, Any]]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": "instance", "Tags": pairs}]


@pytest.fixture(scope="module")
def ec2(quick: RunningSandbox) -> Any:
    return quick.client("ec2", region=REGION)


@pytest.fixture(scope="module")
def fleet(quick: RunningSandbox, ec2: Any) -> Generator[dict[str, list[str]]]:
    """30 training and 5 other instances."""
    ami = image(quick, region=REGION)
    made = {
        "training": ids(run(ec2, ami, 30, TagSpecifications=tagged(array="training"))),
        "other": ids(run(ec2, ami, 5, TagSpecifications=tagged(array="other", extra=""))),
    }
    until(ec2, "running", made["training"] + made["other"])
    yield made
    ec2.terminate_instances(InstanceIds=made["training"] + made["other"])


def found(ec2: Any, *filters: tuple[str, list[str]], **asked: Any) -> set[str]:
    given = [{"Name": name, "Values": values} for name, values in filters]
    return {one["InstanceId"] for one in described(ec2, Filters=given, **asked)}


def error_of(call: Any, **asked: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    answer: Any = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"]


def test_by_id_in_any_order_each_once(ec2: Any, fleet: dict[str, list[str]]) -> None:
    wanted = [*reversed(fleet["other"]), fleet["other"][0]]
    answer = ec2.describe_instances(InstanceIds=wanted)
    (reservation,) = answer["Reservations"]
    assert ids(reservation) == fleet["other"]


def test_by_tag_key_state_and_both(ec2: Any, fleet: dict[str, list[str]]) -> None:
    training, other = set(fleet["training"]), set(fleet["other"])
    assert found(ec2, ("tag:array", ["training"])) == training
    assert found(ec2, ("tag:array", ["t*", "nothing"])) == training
    assert found(ec2, ("tag-key", ["extra"])) == other
    assert found(ec2, ("tag:extra", [""])) == other
    assert found(ec2, ("tag:array", ["other"]), ("tag-key", ["extra"])) == other
    assert found(ec2, ("tag:array", ["training"]), ("tag-key", ["extra"])) == set()
    assert found(ec2, ("tag:array", ["other"]), ("instance-state-name", ["pending"])) == set()
    assert found(ec2, ("instance-state-name", ["running"])) >= training | other


def test_by_id_and_filter(ec2: Any, fleet: dict[str, list[str]]) -> None:
    some = [fleet["training"][0], fleet["other"][0]]
    by_tag = {"Filters": [{"Name": "tag:array", "Values": ["other"]}]}
    answer = ec2.describe_instances(InstanceIds=some, **by_tag)
    assert [one for r in answer["Reservations"] for one in ids(r)] == [fleet["other"][0]]


def test_pages_count_instances_and_give_each_once(ec2: Any, fleet: dict[str, list[str]]) -> None:
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[{"Name": "tag:array", "Values": ["training", "other"]}],
        PaginationConfig={"PageSize": 8},
    )
    sizes, seen = list[int](), Counter[str]()
    for page in pages:
        here = [one for reservation in page["Reservations"] for one in ids(reservation)]
        sizes.append(len(here))
        seen.update(here)
    assert sizes == [8, 8, 8, 8, 3]
    assert seen == Counter(fleet["training"] + fleet["other"])


def test_pages_go_on_when_instances_end_meanwhile(ec2: Any, quick: RunningSandbox) -> None:
    made = ids(run(ec2, image(quick, region=REGION), 12, TagSpecifications=tagged(array="ends")))
    by_tag = [
        {"Name": "tag:array", "Values": ["ends"]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    first = ec2.describe_instances(Filters=by_tag, MaxResults=5)
    ec2.terminate_instances(InstanceIds=made[:5])
    rest = ec2.describe_instances(Filters=by_tag, MaxResults=10, NextToken=first["NextToken"])
    assert [one for r in rest["Reservations"] for one in ids(r)] == made[5:]
    ec2.terminate_instances(InstanceIds=made)


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        (
            {"InstanceIds": ["i-00000000000000001"], "MaxResults": 5},
            "InvalidParameterCombination",
            "instancesSet cannot be used with the parameter maxResults",
        ),
        ({"MaxResults": 4}, "InvalidParameterValue", "maxResults is invalid"),
        ({"MaxResults": 1001}, "InvalidParameterValue", "maxResults is invalid"),
        ({"NextToken": "bogus"}, "InvalidParameterValue", "Unable to parse pagination token"),
        (
            {"Filters": [{"Name": "colour", "Values": ["red"]}]},
            "InvalidParameterValue",
            "The filter 'colour' is invalid",
        ),
        (
            {"InstanceIds": ["i-00000000000000001"]},
            "InvalidInstanceID.NotFound",
            "The instance ID 'i-00000000000000001' does not exist",
        ),
        (
            {"InstanceIds": ["i-00000000000000001", "i-00000000000000002"]},
            "InvalidInstanceID.NotFound",
            "The instance IDs 'i-00000000000000001, i-00000000000000002' do not exist",
        ),
        ({"InstanceIds": ["server"]}, "InvalidInstanceID.Malformed", 'Invalid id: "server"'),
        ({"DryRun": True}, "DryRunOperation", "DryRun flag is set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_bad_question_is_refused(ec2: Any, asked: dict[str, Any], code: str, text: str) -> None:
    got_code, got_text = error_of(ec2.describe_instances, **asked)
    assert got_code == code
    assert text in got_text


def test_a_new_instance_is_invisible_for_a_moment(ec2: Any, cloud: RunningSandbox) -> None:
    cloud.admin.post("lifecycle", {"invisible": 3600})
    hidden = ids(run(ec2, image(cloud, region=REGION), ClientToken="hidden"))
    assert error_of(ec2.describe_instances, InstanceIds=hidden)[0] == "InvalidInstanceID.NotFound"
    assert found(ec2, ("client-token", ["hidden"])) == set()
    assert found(ec2, ("instance-state-name", ["pending", "running"])).isdisjoint(hidden)
    statuses = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    assert hidden[0] not in {one["InstanceId"] for one in statuses}
    again = run(ec2, image(cloud, region=REGION), ClientToken="hidden")
    assert ids(again) == hidden
    ec2.terminate_instances(InstanceIds=hidden)


def test_status_is_of_running_instances_unless_all_are_asked_for(
    ec2: Any, fleet: dict[str, list[str]], quick: RunningSandbox
) -> None:
    stopped = ids(run(ec2, image(quick, region=REGION)))
    until(ec2, "running", stopped)
    ec2.stop_instances(InstanceIds=stopped)
    until(ec2, "stopped", stopped)
    some = [*stopped, fleet["other"][0]]
    running = ec2.describe_instance_status(InstanceIds=some)["InstanceStatuses"]
    assert [one["InstanceId"] for one in running] == [fleet["other"][0]]
    assert running[0]["InstanceStatus"]["Status"] == "ok"
    every = ec2.describe_instance_status(InstanceIds=some, IncludeAllInstances=True)
    states = {o["InstanceId"]: o["InstanceState"]["Name"] for o in every["InstanceStatuses"]}
    assert states == {stopped[0]: "stopped", fleet["other"][0]: "running"}


class TestTags:
    def test_a_new_tag_is_found_and_the_old_value_is_not(
        self, ec2: Any, fleet: dict[str, list[str]]
    ) -> None:
        some = fleet["other"][:2]
        ec2.create_tags(Resources=some, Tags=[{"Key": "mood", "Value": "calm"}])
        assert found(ec2, ("tag:mood", ["calm"])) == set(some)
        ec2.create_tags(Resources=some[:1], Tags=[{"Key": "mood", "Value": "wild"}])
        assert found(ec2, ("tag:mood", ["calm"])) == {some[1]}
        ec2.delete_tags(Resources=some, Tags=[{"Key": "mood", "Value": "calm"}])
        assert found(ec2, ("tag-key", ["mood"])) == {some[0]}
        ec2.delete_tags(Resources=some, Tags=[{"Key": "mood"}])
        assert found(ec2, ("tag-key", ["mood"])) == set()

    @pytest.mark.parametrize(
        ("resource", "key", "code"),
        [
            ("i-00000000000000001", "k", "InvalidInstanceID.NotFound"),
            ("", "aws:k", "InvalidParameterValue"),
        ],
    )
    def test_a_bad_tag_is_refused(
        self, ec2: Any, fleet: dict[str, list[str]], resource: str, key: str, code: str
    ) -> None:
        target = [resource or fleet["other"][0]]
        tags = [{"Key": key, "Value": "v"}]
        assert error_of(ec2.create_tags, Resources=target, Tags=tags)[0] == code

    def test_51_tags_are_too_many(self, ec2: Any, fleet: dict[str, list[str]]) -> None:
        tags = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
        asked = {"Resources": fleet["other"][:1], "Tags": tags}
        assert error_of(ec2.create_tags, **asked)[0] == "TagLimitExceeded"


def test_terminated_instances_are_listed_for_a_time_then_forgotten(
    ec2: Any, cloud: RunningSandbox
) -> None:
    ami = image(cloud, region=REGION)
    listed = ids(run(ec2, ami))
    ec2.terminate_instances(InstanceIds=listed)
    until(ec2, "terminated", listed)
    (one,) = described(ec2, InstanceIds=listed)
    assert "PrivateIpAddress" not in one
    assert "SubnetId" not in one
    assert one["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert one["StateTransitionReason"].startswith("User initiated (20")

    cloud.admin.post("lifecycle", {"terminated_listed": 0})
    gone = ids(run(ec2, ami, 2, TagSpecifications=tagged(array="gone")))
    ec2.terminate_instances(InstanceIds=gone)
    ends = time.monotonic() + 20  # noqa: TID251  a bound on waiting, not a measure
    while found(ec2, ("tag:array", ["gone"])):
        assert time.monotonic() < ends  # noqa: TID251  as above
    assert error_of(ec2.describe_instances, InstanceIds=gone)[0] == "InvalidInstanceID.NotFound"


def test_regions_are_apart(quick: RunningSandbox, fleet: dict[str, list[str]]) -> None:
    elsewhere = quick.client("ec2", region="ap-south-1")
    assert error_of(elsewhere.describe_instances, InstanceIds=fleet["other"])[0] == (
        "InvalidInstanceID.NotFound"
    )
    assert found(elsewhere, ("tag:array", ["training"])) == set()


class TestInstanceTypes:
    def test_all_types_come_in_pages(self, ec2: Any) -> None:
        pages = ec2.get_paginator("describe_instance_types").paginate(
            PaginationConfig={"PageSize": 100}
        )
        types = {one["InstanceType"]: one for page in pages for one in page["InstanceTypes"]}
        assert len(types) > 500
        assert types["t3.micro"]["VCpuInfo"]["DefaultVCpus"] == 2
        assert types["t3.micro"]["MemoryInfo"]["SizeInMiB"] == 1024
        assert types["t4g.micro"]["ProcessorInfo"]["SupportedArchitectures"] == ["arm64"]
        assert types["t3.micro"]["SupportedUsageClasses"] == ["on-demand", "spot"]

    def test_an_unknown_type_is_refused(self, ec2: Any) -> None:
        code, text = error_of(ec2.describe_instance_types, InstanceTypes=["t9.mega", "t3.nano"])
        assert code == "InvalidInstanceType"
        assert text == "The following supplied instance types do not exist: [t9.mega]"

    def test_offerings_name_the_zones(self, ec2: Any) -> None:
        answer = ec2.describe_instance_type_offerings(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}],
        )
        zones = {one["Location"] for one in answer["InstanceTypeOfferings"]}
        assert zones == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}
