"""What people say of the laptop cloud, as admin bodies."""

from typing import Any

import pytest

from cli import cloud
from cli.exits import Usage


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["on"], {"enabled": True}),
        (["off"], {"enabled": False}),
        (
            ["RunInstances=5/2"],
            {
                "rules": [
                    {
                        "service": "ec2",
                        "api": "RunInstances",
                        "requests": {"burst": 5.0, "per_second": 2.0},
                    }
                ]
            },
        ),
        (
            ["RunInstances=5/2,1000/2.5", "on"],
            {
                "enabled": True,
                "rules": [
                    {
                        "service": "ec2",
                        "api": "RunInstances",
                        "requests": {"burst": 5.0, "per_second": 2.0},
                        "resources": {"burst": 1000.0, "per_second": 2.5},
                    }
                ],
            },
        ),
        (
            ["DescribeInstances=unlimited"],
            {"rules": [{"service": "ec2", "api": "DescribeInstances"}]},
        ),
    ],
)
def test_throttle(words: list[str], body: dict[str, Any]) -> None:
    assert cloud.throttle(words, service="ec2") == body


@pytest.mark.parametrize("word", ["yes", "RunInstances", "RunInstances=", "=5/2", "A=5", "A=x/2"])
def test_throttle_that_says_nothing_is_a_usage_error(word: str) -> None:
    with pytest.raises(Usage, match=r"BURST/PER_SECOND"):
        cloud.throttle([word], service="ec2")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("off", 0.0), ("0.2", 0.2), ("0.1-0.5", [0.1, 0.5]), ("2-2", [2.0, 2.0])],
)
def test_delay(text: str, seconds: float | list[float]) -> None:
    assert cloud.delay(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "2-1", "1-2-3", "-1"])
def test_delay_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(Usage):
        cloud.delay(text)


@pytest.mark.parametrize(("free", "number"), [("37", 37), ("0", 0), ("unlimited", None)])
def test_capacity(free: str, number: int | None) -> None:
    body = cloud.capacity(free, market="spot", instance_type="g5.xlarge", zone="*")
    assert body == {"free": number, "market": "spot", "instance_type": "g5.xlarge", "zone": "*"}


@pytest.mark.parametrize("free", ["", "-1", "many", "1.5"])
def test_capacity_that_is_no_number_is_a_usage_error(free: str) -> None:
    with pytest.raises(Usage, match="unlimited"):
        cloud.capacity(free, market="*", instance_type="*", zone="*")


@pytest.mark.parametrize(
    ("code", "given", "status"),
    [
        ("InsufficientInstanceCapacity", None, 500),
        ("RequestLimitExceeded", None, 503),
        ("VcpuLimitExceeded", None, 400),
        ("VcpuLimitExceeded", 418, 418),
    ],
)
def test_a_fault_has_the_status_that_ec2_gives_it(
    code: str, given: int | None, status: int
) -> None:
    assert cloud.fault(code, status=given, message="")["status"] == status
