"""From flags and a file to a spec."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.exits import Usage
from cli.specs import (
    FLAGS,
    in_flags,
    make_spec,
    parse_compat,
    parse_environment,
    parse_tags,
    settle_on_complete,
    split_lists,
)
from spawn.contracts.launches import EnvCompat, LaunchSpec, OnComplete

WORDS = st.text("abcdefghij0123456789.-", min_size=1, max_size=12)


def spec_of(
    file: dict[str, Any] | None = None, region: str = "us-east-1", **flags: Any
) -> LaunchSpec:
    return make_spec(file={"name": "web", **(file or {})}, flags=flags, region=lambda: region)


@given(st.lists(WORDS), st.integers(1, 4))
def test_lists_are_the_same_however_they_are_written(words: list[str], every: int) -> None:
    chunks = [",".join(words[i : i + every]) for i in range(0, len(words), every)]
    assert split_lists(chunks) == split_lists(words) == tuple(dict.fromkeys(words))


@given(st.dictionaries(WORDS, st.text()))
def test_tags_are_read_as_they_were_written(tags: dict[str, str]) -> None:
    assert parse_tags(f"{key}={value}" for key, value in tags.items()) == tags


@given(st.dictionaries(WORDS, st.text()))
def test_variables_are_read_as_they_were_written(variables: dict[str, str]) -> None:
    assert parse_environment(f"{key}={value}" for key, value in variables.items()) == variables


def test_variables_of_the_file_and_of_flags_are_merged() -> None:
    spec = spec_of({"environment": {"A": "1", "B": "2"}}, environment={"B": "x=y\n"})
    assert spec.environment == {"A": "1", "B": "x=y\n"}


def test_what_may_be_named_like_another_s_is_a_list_of_known_names() -> None:
    assert parse_compat(["slurm,batch", "slurm"]) == (EnvCompat.SLURM, EnvCompat.BATCH)
    with pytest.raises(Usage, match="--env-compat 'pbs': use slurm, batch, torch"):
        parse_compat(["pbs"])


def test_keep_is_another_word_for_on_complete_none() -> None:
    assert settle_on_complete(None, keep=True) is OnComplete.NONE
    assert settle_on_complete(OnComplete.NONE, keep=True) is OnComplete.NONE
    assert settle_on_complete(OnComplete.STOP, keep=False) is OnComplete.STOP
    assert settle_on_complete(None, keep=False) is None
    with pytest.raises(Usage, match="--keep and --on-complete stop"):
        settle_on_complete(OnComplete.STOP, keep=True)


def test_peer_ssh_can_be_left_out_by_flag() -> None:
    assert spec_of(peer_ssh=None).peer_ssh
    assert not spec_of(peer_ssh=False).peer_ssh


def test_every_field_has_a_flag() -> None:
    assert set(LaunchSpec.__struct_fields__) <= set(FLAGS)


def test_flags_win_over_the_file_and_tags_are_merged() -> None:
    spec = spec_of(
        {"count": 8, "ttl": "4h", "tags": {"a": "file", "b": "file"}, "region": "eu-west-1"},
        count=3,
        tags={"b": "flag"},
        region="",
    )
    assert (spec.count, spec.ttl, spec.region) == (3, "4h", "eu-west-1")
    assert spec.tags == {"a": "file", "b": "flag"}


def test_a_count_of_zero_given_by_flag_is_not_taken_for_none() -> None:
    assert spec_of({"count": 8}, count=0).count == 0


def test_lists_in_a_file_may_be_one_text() -> None:
    assert spec_of({"zones": "us-east-1a, us-east-1b"}).zones == ("us-east-1a", "us-east-1b")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param({"cuont": 8}, "unknown field 'cuont'", id="unknown field"),
        pytest.param({"count": "8"}, "$.count", id="text for a number"),
        pytest.param({"zones": 7}, "$.zones", id="number for a list"),
        pytest.param({"tags": ["a"]}, "$.tags", id="list for tags"),
    ],
)
def test_a_wrong_file_is_refused_by_field(file: dict[str, Any], message: str) -> None:
    with pytest.raises(Usage) as caught:
        spec_of(file)
    assert message in caught.value.message


def test_without_any_region_the_flag_and_the_variable_are_named() -> None:
    with pytest.raises(Usage, match=r"--region, or set AWS_REGION"):
        spec_of(region="")


@pytest.mark.parametrize(
    ("field", "message", "expected"),
    [
        ("count", "count='0': use 1 to 5000", "--count '0': use 1 to 5000"),
        ("spec.zones[0]", "spec.zones[0]: no zone", "--zone: no zone"),
        ("ttl", "ttl: '4x' is not a duration", "--ttl: '4x' is not a duration"),
        ("user_data", "user_data is 700000 bytes", "--user-data is 700000 bytes"),
        ("name", "another array has it", "--job-array-name: another array has it"),
        ("not_after", "too late", "too late"),
        ("", "another --count was asked for", "another --count was asked for"),
    ],
)
def test_a_rejection_names_the_flag(field: str, message: str, expected: str) -> None:
    assert in_flags(field, message) == expected
