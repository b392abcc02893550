from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.contracts.checks import (
    MOST_ALTERNATIVES,
    MOST_SECURITY_GROUPS,
    Limits,
    changed_fields,
    check_spec,
)
from spawn.contracts.launches import LARGEST_JOB, LaunchSpec
from spawn.errors import Rejected
from tests.contracts.strategies import structs

LONG = "x" * 300
GOOD = LaunchSpec(name="training", count=8, region="us-east-1")


def a_spec(**changes: Any) -> LaunchSpec:
    return msgspec.structs.replace(GOOD, **changes)


def refusal(limits: Limits | None = None, /, **changes: Any) -> Rejected:
    with pytest.raises(Rejected) as refused:
        check_spec(a_spec(**changes), limits)
    return refused.value


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="what is least"),
        pytest.param({"count": 1}, id="one"),
        pytest.param({"count": 5000}, id="as many as are allowed"),
        pytest.param({"min_count": 0}, id="min_count 0: all"),
        pytest.param({"min_count": 8}, id="min_count: the count"),
        pytest.param({"name": "a" * 40}, id="the longest name"),
        pytest.param({"region": "us-gov-west-1"}, id="a region with four parts"),
        pytest.param({"region": "ap-southeast-10"}, id="a region of two digits"),
        pytest.param({"instance_types": ("u-6tb1.112xlarge", "m7i.metal-24xl")}, id="odd types"),
        pytest.param({"zones": ("us-east-1f", "us-east-1-bos-1a")}, id="zone and local zone"),
        pytest.param({"ami": "ami-01234567"}, id="an old image id"),
        pytest.param({"ssh_cidr": "0.0.0.0/0"}, id="the whole internet, if one must"),
        pytest.param({"ssh_cidr": "2001:db8::/32"}, id="an IPv6 network"),
        pytest.param({"key_name": "my key (2)"}, id="a key's name with spaces"),
        pytest.param({"tags": {"Größe": "5 km/h", "a:b": ""}}, id="tags in any language"),
        pytest.param({"tags": {str(n): "" for n in range(40)}}, id="as many tags as fit"),
        pytest.param({"ttl": "7d"}, id="the longest ttl"),
        pytest.param({"user_data": "x" * LARGEST_JOB}, id="the largest user-data"),
        pytest.param({"user_data": "#!/bin/sh\n#cloud-config\n"}, id="a script"),
    ],
)
def test_what_can_be_launched(changes: dict[str, Any]) -> None:
    assert check_spec(a_spec(**changes)) == a_spec(**changes)


NAMES = ["", "-a", "a-", "1a", "A", "a b", "a.b", "a_b", "ä", "a\n", "a" * 41, LONG, "a/b", "a*"]
ODD = ["", " ", ".", "*", ">", "ä", "a b", LONG, "\n", "../x", "'; --", "\uff10"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_fits_no_label_or_subject(name: str) -> None:
    refused = refusal(name=name)
    assert refused.field == "name"
    assert refused.message.startswith("name=")
    assert "use 1 to 40 lower-case letters" in refused.message
    assert len(refused.message) < 250


@pytest.mark.parametrize("count", [0, -1, 5001, 10**6, 2**63, -(2**63)])
def test_a_count_outside_of_what_is_allowed(count: int) -> None:
    refused = refusal(count=count)
    assert (refused.field, refused.message) == ("count", f"count='{count}': use 1 to 5000")


@pytest.mark.parametrize("least", [-1, 9, 10**6])
def test_a_min_count_that_the_count_does_not_reach(least: int) -> None:
    refused = refusal(min_count=least)
    assert refused.field == "min_count"
    assert refused.message == f"min_count='{least}': use 1 to the count, 8"


def test_a_deployment_may_allow_less() -> None:
    limits = Limits(count=4, ttl=timedelta(hours=1))
    assert refusal(limits).message == "count='8': use 1 to 4"
    assert refusal(limits, count=2, ttl="2h").message == "ttl='2h': use 1h at most"


@pytest.mark.parametrize(
    ("field", "right"),
    [
        ("region", "an AWS region such as us-east-1"),
        ("ami", "ami-0123456789abcdef0"),
        ("ssh_cidr", "203.0.113.0/24"),
        ("key_name", "1 to 255 characters"),
    ],
)
@pytest.mark.parametrize("value", ODD)
def test_a_text_that_is_none_of_its_kind(field: str, right: str, value: str) -> None:
    fits_a_key_name = field == "key_name" and value.isascii() and value.isprintable()
    left_out = not value and field != "region"
    if left_out or (fits_a_key_name and len(value) <= 255):
        check_spec(a_spec(**{field: value}))
        return
    refused = refusal(**{field: value})
    assert refused.field == field
    assert right in refused.message
    assert refused.message.startswith(f"{field}={value[:60]!r}"[:20])
    assert len(refused.message) < 250


GOOD_ENTRIES = {
    "instance_types": "m7i.large",
    "zones": "us-east-1a",
    "subnets": "subnet-0123456789abcdef0",
    "security_groups": "sg-0123456789abcdef0",
}
RIGHT = {
    "instance_types": "a type such as m7i.large",
    "zones": "a zone of the region such as us-east-1a",
    "subnets": "a subnet id",
    "security_groups": "a group id",
}


@pytest.mark.parametrize("field", GOOD_ENTRIES)
class TestLists:
    @pytest.mark.parametrize("value", ODD)
    def test_an_entry_that_is_none_of_its_kind(self, field: str, value: str) -> None:
        refused = refusal(**{field: (GOOD_ENTRIES[field], value)})
        assert refused.field == field
        assert RIGHT[field] in refused.message

    def test_an_entry_twice(self, field: str) -> None:
        good = GOOD_ENTRIES[field]
        refused = refusal(**{field: (good, good)})
        assert refused.field == field
        assert refused.message == f"{field}='{good},{good}': name each once"

    def test_too_many(self, field: str) -> None:
        most = MOST_SECURITY_GROUPS if field == "security_groups" else MOST_ALTERNATIVES
        refused = refusal(**{field: (GOOD_ENTRIES[field],) * (most + 1)})
        assert refused.message == f"{field}='{most + 1} of them': use {most} at most"


def test_zones_lie_in_the_region() -> None:
    refused = refusal(zones=("eu-west-1a",))
    assert (refused.field, refused.message) == (
        "zones",
        "zones='eu-west-1a': use zones of us-east-1",
    )


@pytest.mark.parametrize("region", ["us-east-1", "us-east-11"])
def test_a_region_that_another_begins_with_is_not_it(region: str) -> None:
    other = {"us-east-1": "us-east-11", "us-east-11": "us-east-1"}[region]
    assert refusal(region=region, zones=(f"{other}a",)).field == "zones"


@pytest.mark.parametrize(
    "network", ["10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.1", "::1", "::1/0", "host"]
)
def test_a_network_that_is_none(network: str) -> None:
    assert refusal(ssh_cidr=network).field == "ssh_cidr"


@pytest.mark.parametrize(
    ("tags", "shown"),
    [
        pytest.param({"": "x"}, "''", id="no key"),
        pytest.param({"k" * 129: "x"}, "k" * 60, id="a long key"),
        pytest.param({"aws:x": "x"}, "aws:x", id="a key of AWS's own"),
        pytest.param({"spawn:lease": "x"}, "spawn:lease", id="a key of ours"),
        pytest.param({"a,b": "x"}, "a,b", id="a key with a comma"),
        pytest.param({"a": "x" * 257}, "x" * 60, id="a long value"),
        pytest.param({"a": "x\ny"}, r"x\ny", id="a value with a line break"),
        pytest.param({str(n): "" for n in range(41)}, "41 tags", id="too many"),
        pytest.param({str(n): "é" * 256 for n in range(40)}, "bytes", id="too many bytes"),
    ],
)
def test_tags_that_ec2_or_we_do_not_take(tags: dict[str, str], shown: str) -> None:
    refused = refusal(tags=tags)
    assert refused.field == "tags"
    assert shown in refused.message
    assert len(refused.message) < 250


def test_a_launch_without_an_end_is_for_deployments_that_allow_it() -> None:
    check_spec(a_spec(no_ttl=True))
    assert "SPAWN_ALLOW_NO_TTL" in refusal(Limits(no_ttl=False), no_ttl=True).message
    assert refusal(no_ttl=True, ttl="1h").field == "ttl"


@pytest.mark.parametrize("ttl", ["0", "0s", "-1h", "soon", "1", "1h ", "8d", "9" * 300, "\uff11h"])
def test_a_ttl_that_is_no_time_to_live(ttl: str) -> None:
    if ttl == "1h ":
        check_spec(a_spec(ttl=ttl))
        return
    refused = refusal(ttl=ttl)
    assert refused.field == "ttl"
    assert refused.message.startswith("ttl")
    assert len(refused.message) < 250


def test_user_data_that_is_too_large_says_how_large_and_what_to_do() -> None:
    refused = refusal(user_data="é" * (300 * 1024))
    assert refused.field == "user_data"
    assert refused.message == (
        "user_data: the job has 614400 bytes (user_data 614400); 524288 travel with a launch:"
        " put the rest into S3 and fetch it from the script"
    )


@pytest.mark.parametrize(
    "text", ["#cloud-config\npackages: []", "  \n#include\nhttp://x", "MIME-Version: 1.0\n"]
)
def test_user_data_that_is_not_a_script(text: str) -> None:
    refused = refusal(user_data=text)
    assert refused.field == "user_data"
    assert "begin it with #!" in refused.message


def test_the_first_wrong_field_is_named() -> None:
    assert refusal(name="", count=0).field == "name"
    assert refusal(count=0, region="").field == "count"


@given(structs(LaunchSpec))
def test_no_spec_whatsoever_is_anything_but_taken_or_rejected(spec: LaunchSpec) -> None:
    refused = None
    try:
        assert check_spec(spec) is spec
    except Rejected as rejection:
        refused = rejection
    if refused is not None:
        assert refused.field in LaunchSpec.__struct_fields__
        assert len(refused.message) < 250


@given(st.data())
def test_one_changed_field_is_the_one_that_is_named(data: st.DataObject) -> None:
    before, other = data.draw(structs(LaunchSpec)), data.draw(structs(LaunchSpec))
    names = LaunchSpec.__struct_fields__
    changed = data.draw(st.sets(st.sampled_from(names)))
    taken = {name: getattr(other, name) for name in changed}
    after = msgspec.structs.replace(before, **taken)
    differ = [name for name in names if getattr(before, name) != getattr(after, name)]
    assert list(changed_fields(before, after)) == differ
