from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.ec2.filters import Filter, Subject, candidates, check, matches
from sandbox.ec2.records import Record, Records, ReservationId
from sandbox.ec2.states import State
from sandbox.errors import AwsError

from .make import record

TAGS = {"Name": "training-3", "spawn:owner": "ada", "empty": ""}


def matching(name: str, *values: str, tags: Mapping[str, str] = TAGS) -> bool:
    return matches([Filter(name, values)], Subject(record(), tags))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tag:Name", "training-3"),
        ("tag:Name", "train*"),
        ("tag:Name", "training-?"),
        ("tag:Name", "*"),
        ("tag:empty", ""),
        ("tag-key", "spawn:*"),
        ("tag-value", "ada"),
        ("instance-id", "i-*1"),
        ("instance-state-name", "pending"),
        ("instance-state-code", "0"),
        ("instance-type", "t3.*"),
        ("availability-zone", "us-east-1a"),
        ("subnet-id", "subnet-1"),
        ("vpc-id", "vpc-1"),
        ("private-ip-address", "10.0.0.5"),
        ("image-id", "ami-1"),
        ("launch-time", "2026-01-02T12:00:00.000Z"),
        ("launch-time", "2026-01-02*"),
        ("iam-instance-profile.arn", "arn:aws:iam::1:instance-profile/p"),
        ("instance.group-id", "sg-1"),
        ("instance.group-name", "default"),
        ("reservation-id", "r-1"),
        ("launch-index", "1"),
        ("source-dest-check", "true"),
    ],
)
def test_a_filter_matches(name: str, value: str) -> None:
    assert matching(name, value)
    assert matching(name, "other", value)
    assert not matching(name, "other")


@pytest.mark.parametrize("name", ["instance-lifecycle", "key-name", "spot-instance-request-id"])
def test_what_an_instance_lacks_matches_nothing(name: str) -> None:
    assert not matching(name, "*x*")


def test_filters_are_case_sensitive_and_add_up() -> None:
    assert not matching("tag:Name", "Training-3")
    both = [Filter("tag:Name", ("training-3",)), Filter("instance-type", ("m5.large",))]
    assert not matches(both, Subject(record(), TAGS))


def test_a_backslash_takes_a_wildcard_literally() -> None:
    assert matching("tag:Name", r"a\*c", tags={"Name": "a*c"})
    assert not matching("tag:Name", r"a\*c", tags={"Name": "abc"})


def test_other_characters_of_a_pattern_are_literal() -> None:
    assert not matching("tag:Name", "train.ng*")


def test_an_unknown_filter_is_named() -> None:
    with pytest.raises(AwsError, match="The filter 'colour' is invalid") as caught:
        check([Filter("tag:colour", ("red",)), Filter("colour", ("red",))])
    assert caught.value.code == "InvalidParameterValue"


NAMES = st.sampled_from(
    ["instance-id", "instance-state-name", "reservation-id", "tag:k", "tag-key", "client-token"]
)
VALUES = st.lists(st.sampled_from(["r-0", "r-1", "running", "k", "v*", "v1", "t1", "*", ""]))
FILTERS = st.lists(st.builds(Filter, NAMES, VALUES.map(tuple)), max_size=3)
REGION = st.lists(
    st.tuples(
        st.sampled_from(list(State)),
        st.sampled_from(["r-0", "r-1"]),
        st.dictionaries(st.sampled_from(["k", "l"]), st.sampled_from(["v1", "v2", ""])),
        st.sampled_from(["", "t1", "t2"]),
    ),
    max_size=12,
)


@given(region=REGION, filters=FILTERS)
def test_the_index_finds_what_a_look_at_each_record_finds(
    region: list[tuple[State, str, dict[str, str], str]], filters: list[Filter]
) -> None:
    records, tags = Records(), dict[str, dict[str, str]]()
    for number, (state, reservation, own, token) in enumerate(region):
        one = record(number, reservation=ReservationId(reservation), client_token=token)
        records.add(one, tags=own)
        records.move(one, state)
        tags[one.id] = own

    def selected(some: list[Record]) -> set[str]:
        return {one.id for one in some if matches(filters, Subject(one, tags[one.id]))}

    everything = selected(list(records.by_id.values()))
    assert selected(list(candidates(records, filters))) == everything
    for one in list(records.by_id.values()):
        records.remove(one, tags=tags[one.id])
    assert records == Records()
