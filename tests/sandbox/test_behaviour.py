import random
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from sandbox.behaviour import (
    Delay,
    Lifecycle,
    Scenario,
    decode_delay,
    load_scenario,
    seconds,
)

SCENARIO = """
capacity: [{market: spot, instance_type: g5.xlarge, zone: us-east-1a, free: 37}]
fault: [{api: RunInstances, kind: lost-reply, count: 2}]
throttle: {enabled: false, rules: [{api: RunInstances, requests: {burst: 1, per_second: 0.5}}]}
latency: [{api: DescribeInstances, delay: [0.01, 0.05]}]
lifecycle: {pending: [1, 5], invisible: 60}
quota: [{vcpus: 32}]
price: [{usd: 0.5, zone: us-east-1a}]
score: [{score: 2}]
signature: {services: ["*"]}
machines: {mode: hollow}
boot: [{delay: 1}, {rank: 3, user_data_fails: true}]
"""


def test_a_scenario_is_read_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(SCENARIO)
    scenario = load_scenario(file)
    assert scenario.capacity[0].free == 37
    assert scenario.fault[0].kind == "lost-reply"
    assert scenario.throttle.enabled is False
    assert scenario.latency[0].delay == seconds(0.01, 0.05)
    assert scenario.lifecycle.pending == seconds(1, 5)
    assert scenario.lifecycle.invisible == seconds(60)
    assert scenario.quota[0].vcpus == 32
    assert (scenario.price[0].usd, scenario.price[0].instance_type) == (0.5, "*")
    assert (scenario.score[0].score, scenario.score[0].zone) == (2, "*")
    assert scenario.machines.mode == "hollow"
    assert scenario.boot[0].delay == seconds(1)
    assert scenario.boot[1].user_data_fails is True


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"lifecycle": {"pending": -1}}', "pending"),
        (b'{"lifecycle": {"pending": [5, 1]}}', "pending"),
        (b'{"lifecycle": {"pending": "soon"}}', "pending"),
        (b'{"lifecycle": {"pending": true}}', "pending"),
        (b'{"lifecycle": {"sleepy": 1}}', "sleepy"),
        (b'{"weather": []}', "weather"),
        (b'{"fault": [{"api": "RunInstances", "count": 0}]}', "count"),
        (b'{"fault": [{"api": "RunInstances", "status": 200}]}', "status"),
        (b'{"fault": [{"code": "X"}]}', "api"),
        (b'{"capacity": [{"free": -1}]}', "free"),
        (
            b'{"throttle": {"rules": [{"api": "X", "requests": {"burst": -1, "per_second": 1}}]}}',
            "burst",
        ),
    ],
)
def test_a_wrong_field_is_named(body: bytes, named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        msgspec.json.decode(body, type=Scenario, dec_hook=decode_delay)


def test_a_delay_is_drawn_between_its_bounds() -> None:
    source, delay = random.Random(1), seconds(1, 3)
    drawn = [delay.draw(source) for _ in range(200)]
    assert all(timedelta(seconds=1) <= one <= timedelta(seconds=3) for one in drawn)
    assert len(set(drawn)) > 1


def test_a_fixed_delay_is_always_the_same() -> None:
    delay = Delay(timedelta(seconds=2))
    assert {delay.draw(random.Random(seed)) for seed in range(20)} == {timedelta(seconds=2)}


def test_an_empty_lifecycle_sets_nothing() -> None:
    assert msgspec.structs.asdict(Lifecycle()) == dict.fromkeys(
        (
            "pending",
            "stopping",
            "shutting_down",
            "invisible",
            "profile_propagation",
            "terminated_listed",
            "names_in_sync",
        )
    )
