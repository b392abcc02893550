"""What a launch may say of its job."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.contracts.checks import MOST_RETRIES, check_spec
from spawn.contracts.launches import LARGEST_JOB, IdleScope, LaunchSpec
from spawn.contracts.leases import LeaseAction
from spawn.errors import Rejected

GOOD = LaunchSpec(name="training", count=8, region="us-east-1", command="true")


def a_spec(**changes: Any) -> LaunchSpec:
    return msgspec.structs.replace(GOOD, **changes)


def refusal(**changes: Any) -> Rejected:
    with pytest.raises(Rejected) as refused:
        check_spec(a_spec(**changes))
    return refused.value


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"command": "echo '\n' | tr -d \"\t\" # $(x)"}, id="any text is a command"),
        pytest.param({"environment": {"A_1": "it's\n$(x)", "_": ""}}, id="any value"),
        pytest.param({"environment": {"SPAWNED": "1", "JOB": "1"}}, id="names that are near ours"),
        pytest.param({"environment": {"A" * 256: ""}}, id="the longest name"),
        pytest.param({"login_user": "ec2-user"}, id="a user"),
        pytest.param({"retries": MOST_RETRIES}, id="as many retries as there may be"),
        pytest.param({"max_runtime": "1h30m"}, id="a time limit"),
        pytest.param({"command": "x" * LARGEST_JOB}, id="the longest command"),
        pytest.param(
            {"command": "x" * (LARGEST_JOB - 3), "environment": {"A": "12"}},
            id="command and environment that just fit",
        ),
    ],
)
def test_what_a_job_may_be(changes: dict[str, Any]) -> None:
    assert check_spec(a_spec(**changes)) == a_spec(**changes)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        pytest.param({"command": "a\0b"}, "command", "NUL", id="a NUL in the command"),
        pytest.param(
            {"environment": {"A": "a\0b"}}, "environment", "environment='A'", id="a NUL in a value"
        ),
        pytest.param({"environment": {"": "x"}}, "environment", "letters", id="no name"),
        pytest.param({"environment": {"1A": "x"}}, "environment", "'1A'", id="a digit first"),
        pytest.param({"environment": {"A-B": "x"}}, "environment", "'A-B'", id="a dash"),
        pytest.param({"environment": {"A=B": "x"}}, "environment", "'A=B'", id="an equals sign"),
        pytest.param({"environment": {"Ä": "x"}}, "environment", "'Ä'", id="another alphabet"),
        pytest.param({"environment": {"A\n": "x"}}, "environment", "letters", id="a line break"),
        pytest.param({"environment": {"A" * 257: "x"}}, "environment", "…", id="a long name"),
        pytest.param(
            {"environment": {"JOB_ARRAY_INDEX": "7"}}, "environment", "JOB_ARRAY_", id="our name"
        ),
        pytest.param({"environment": {"SPAWN_X": "7"}}, "environment", "SPAWN_", id="our prefix"),
        pytest.param({"login_user": "root; id"}, "login_user", "/etc/passwd", id="no user"),
        pytest.param({"login_user": "a" * 33}, "login_user", "/etc/passwd", id="a long user"),
        pytest.param({"retries": -1}, "retries", "0 to 100", id="fewer than no retries"),
        pytest.param({"retries": 101}, "retries", "0 to 100", id="too many retries"),
        pytest.param({"max_runtime": "0s"}, "max_runtime", "max_runtime: ", id="no time at all"),
        pytest.param({"max_runtime": "soon"}, "max_runtime", "soon", id="no time limit"),
    ],
)
def test_what_no_job_may_be(changes: dict[str, Any], field: str, said: str) -> None:
    refused = refusal(**changes)
    assert refused.field == field
    assert said in refused.message
    assert len(refused.message) < 250


def test_a_value_of_the_environment_is_never_shown() -> None:
    assert "hunter2" not in refusal(environment={"PASSWORD": "hunter2\0"}).message


@pytest.mark.parametrize(
    ("changes", "field", "shown"),
    [
        pytest.param(
            {"command": "é" * 200_000, "user_data": "x" * 200_000},
            "command",
            "user_data 200000, command 400000",
            id="the command is the larger part",
        ),
        pytest.param(
            {"command": "x", "environment": {"A": "x" * LARGEST_JOB}},
            "environment",
            f"command 1, environment {LARGEST_JOB + 1}",
            id="the environment is",
        ),
    ],
)
def test_a_job_that_is_too_large_names_its_largest_part(
    changes: dict[str, Any], field: str, shown: str
) -> None:
    refused = refusal(**changes)
    assert refused.field == field
    assert shown in refused.message


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_variable_is_taken_or_refused_by_its_name_and_nuls_alone(name: str, value: str) -> None:
    ours = name.startswith(("SPAWN_", "JOB_ARRAY_"))
    if name.isascii() and name.isidentifier() and not ours and "\0" not in value:
        check_spec(a_spec(environment={name: value}))
    else:
        assert refusal(environment={name: value}).field == "environment"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("idle_timeout", {"idle_timeout": "soon"}),
        ("idle_timeout", {"idle_timeout": "179s"}),
        ("idle_action", {"idle_action": LeaseAction.STOP}),
        ("idle_scope", {"idle_scope": IdleScope.MEMBER}),
    ],
)
def test_idleness_that_can_not_be_judged(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        check_spec(msgspec.structs.replace(GOOD, **changes))
    assert refused.value.field == field
    assert refused.value.message.startswith(field)


def test_idleness_may_be_judged_from_three_minutes_on() -> None:
    whole: dict[str, Any] = {
        "idle_timeout": "3m",
        "idle_action": LeaseAction.STOP,
        "idle_scope": IdleScope.MEMBER,
    }
    spec = msgspec.structs.replace(GOOD, **whole)
    assert check_spec(spec) is spec
