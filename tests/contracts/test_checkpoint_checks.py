from typing import Any

import pytest

from services.launcher.plan.checkpoints import checkpoint_of
from spawn.contracts.checkpoints import LARGEST_SCRIPT, OnInterruption, OnRebalance
from spawn.contracts.checks import check_spec
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected


def a_spec(**more: Any) -> LaunchSpec:
    return LaunchSpec(name="training", region="eu-central-1", **more)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="none"),
        pytest.param({"checkpoint_script": "tar c ~ | gzip >x"}, id="a text"),
        pytest.param({"checkpoint_script": "s3://bucket/a/save.sh"}, id="an object"),
        pytest.param({"checkpoint_script": "https://example.org/s?x=1"}, id="a page"),
        pytest.param({"checkpoint_uri": "s3://bucket"}, id="a bucket"),
        pytest.param({"checkpoint_uri": "s3://bucket/a/b/"}, id="a place in one"),
    ],
)
def test_what_may_be_said(more: dict[str, Any]) -> None:
    assert check_spec(a_spec(**more)) == a_spec(**more)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("checkpoint_script", {"checkpoint_script": "s3://bucket/"}),
        ("checkpoint_script", {"checkpoint_script": "s3://bucket/save*.sh"}),
        ("checkpoint_script", {"checkpoint_script": "https://example.org"}),
        ("checkpoint_script", {"checkpoint_script": "http://example.org/save.sh"}),
        ("checkpoint_script", {"checkpoint_script": "x" * (LARGEST_SCRIPT + 1)}),
        ("checkpoint_script", {"checkpoint_script": "echo \0"}),
        ("checkpoint_uri", {"checkpoint_uri": "/tmp"}),
        ("checkpoint_uri", {"checkpoint_uri": "s3://B/x"}),
        ("checkpoint_uri", {"checkpoint_uri": "s3://bucket/$x"}),
        ("checkpoint_timeout", {"checkpoint_script": "x", "checkpoint_timeout": "long"}),
        ("checkpoint_timeout", {"checkpoint_script": "x", "checkpoint_timeout": "2h"}),
        ("checkpoint_timeout", {"checkpoint_timeout": "30s"}),
        ("checkpoint_strict", {"checkpoint_strict": True}),
        ("on_interruption", {"on_interruption": OnInterruption.CHECKPOINT}),
        ("on_rebalance", {"on_rebalance": OnRebalance.CHECKPOINT}),
    ],
)
def test_what_is_wrong_is_named(field: str, more: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refusal:
        check_spec(a_spec(**more))
    assert refusal.value.field == field
    assert field in refusal.value.message


def test_an_address_by_https_is_not_repeated_for_it_may_be_secret() -> None:
    with pytest.raises(Rejected) as refusal:
        check_spec(a_spec(checkpoint_script="https://example.org/x?key=s3cret and"))
    assert "s3cret" not in refusal.value.message


def test_a_script_is_reason_enough_to_run_it() -> None:
    assert checkpoint_of(a_spec(checkpoint_script="x")).on_interruption == "checkpoint"
    assert checkpoint_of(a_spec()).on_interruption == "terminate"


def test_a_plan_says_seconds_and_a_place_without_its_last_slash() -> None:
    plan = checkpoint_of(
        a_spec(
            checkpoint_script="x", checkpoint_timeout="1m30s", checkpoint_uri="s3://bucket/runs/"
        )
    )
    assert (plan.timeout_seconds, plan.uri) == (90, "s3://bucket/runs")
    assert checkpoint_of(a_spec()).timeout_seconds == 90
