from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.buckets import Bucket as Ec2Bucket
from sandbox.buckets import Rate as Ec2Rate
from spawn.aws.buckets import (
    EARLIER,
    Bucket,
    Limits,
    Rate,
    documented,
    limits,
    parse_buckets,
    time_for,
)
from spawn.errors import Rejected

RATES = st.builds(
    Rate,
    burst=st.floats(min_value=0.5, max_value=1000),
    per_second=st.floats(min_value=0.1, max_value=100),
)
STEPS = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=60),
        st.integers(min_value=1, max_value=100),
        st.sampled_from(["take", "take", "take", "drain"]),
    ),
    max_size=30,
)
SLACK = 1e-6
LATE = EARLIER.total_seconds()


@given(RATES, STEPS)
def test_no_window_sees_more_than_burst_and_what_flowed_back(
    rate: Rate, steps: list[tuple[float, int, str]]
) -> None:
    bucket, now = Bucket(rate, now=0.0), 0.0
    taken: list[tuple[float, int]] = []
    for passed, amount, action in steps:
        now += passed
        if action == "drain":
            bucket.drain(now=now)
        elif bucket.wait(amount, now=now) == 0:
            bucket.take(amount, now=now)
            taken.append((now, amount))
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            window = taken[first : last + 1]
            most = max(rate.burst, *(amount for _, amount in window), 0)
            elapsed = window[-1][0] - window[0][0]
            total = sum(amount for _, amount in window)
            assert total <= most + rate.per_second * elapsed + SLACK


@given(RATES, STEPS, st.integers(min_value=1, max_value=2000))
def test_the_wait_is_as_long_as_it_says(
    rate: Rate, steps: list[tuple[float, int, str]], amount: int
) -> None:
    bucket, now = Bucket(rate, now=0.0), 0.0
    for passed, taken, action in steps:
        now += passed
        if action == "drain":
            bucket.drain(now=now)
        else:
            bucket.take(taken, now=now)
    wait = bucket.wait(amount, now=now)
    if wait > SLACK:
        assert bucket.wait(amount, now=now + wait / 2) == pytest.approx(wait / 2, abs=SLACK)
    assert bucket.wait(amount, now=now + wait) <= SLACK


@given(RATES, st.integers(min_value=1, max_value=100))
def test_tokens_given_back_can_be_taken_again(rate: Rate, amount: int) -> None:
    bucket = Bucket(rate, now=0.0)
    bucket.take(amount, now=0.0)
    bucket.give_back(amount, now=0.0)
    assert bucket.wait(rate.burst, now=0.0) <= SLACK


def test_more_than_the_bucket_holds_is_served_from_a_full_one_and_leaves_a_debt() -> None:
    bucket = Bucket(Rate(10, 1), now=0.0)
    assert bucket.wait(25, now=0.0) == 0
    bucket.take(25, now=0.0)
    assert bucket.wait(1, now=0.0) == pytest.approx(16 + LATE)


def test_calls_that_are_faster_on_their_way_than_the_first_ones_are_not_throttled() -> None:
    ours, ec2, now = Bucket(Rate(5, 2), now=0.0), Ec2Bucket(Ec2Rate(5, 2), now=0.0), 0.0
    for _ in range(10):
        now += ours.wait(1, now=now) + SLACK
        ours.take(1, now=now)
        assert ec2.take(1, now=max(now, LATE))
    assert now == pytest.approx(2.5 + LATE, abs=1e-4)


def test_a_throttle_answer_halves_the_rate_for_thirty_seconds() -> None:
    bucket = Bucket(Rate(100, 2), now=0.0)
    bucket.drain(now=0.0)
    assert bucket.wait(10, now=0.0) == pytest.approx(10)
    assert bucket.wait(40, now=0.0) == pytest.approx(30 + 5)
    assert bucket.wait(40, now=31.0) == pytest.approx(4)


@pytest.mark.parametrize(
    ("before", "after", "wait"),
    [
        pytest.param(Rate(10, 1), Rate(5, 0.5), 0.0, id="a smaller one keeps its proportion"),
        pytest.param(Rate(5, 1), Rate(10, 1), 5.0, id="a larger one is not filled"),
    ],
)
def test_a_changed_rate(before: Rate, after: Rate, wait: float) -> None:
    bucket = Bucket(before, now=0.0)
    bucket.set_rate(after, now=0.0)
    assert bucket.wait(after.burst, now=0.0) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ("RunInstances", Limits(Rate(5, 2), Rate(1000, 2))),
        ("TerminateInstances", Limits(Rate(100, 5), Rate(1000, 20))),
        ("CreateTags", Limits(Rate(100, 10))),
        ("DescribeInstances", Limits(Rate(100, 20))),
        ("CreateSecurityGroup", Limits(Rate(50, 5))),
        ("GetCallerIdentity", Limits()),
    ],
)
def test_documented(api: str, expected: Limits) -> None:
    assert documented(api) == expected


def test_overrides_take_the_place_of_what_is_documented() -> None:
    overrides = parse_buckets(["RunInstances=10/4", " RunInstances.instances=50/2.5"])
    assert limits("RunInstances", overrides) == Limits(Rate(10, 4), Rate(50, 2.5))
    assert limits("StartInstances", overrides) == documented("StartInstances")


@pytest.mark.parametrize(
    "text", ["", "RunInstances", "RunInstances=5", "=5/2", "RunInstances=a/b", "X.y=1/1", "X=0/1"]
)
def test_what_is_no_bucket_is_rejected(text: str) -> None:
    with pytest.raises(Rejected):
        parse_buckets([text])


def test_a_share_is_a_part_of_both() -> None:
    assert Rate(5, 2).share(4) == Rate(1.25, 0.5)


def test_slowness_is_bounded() -> None:
    bucket = Bucket(Rate(5, 2), now=0.0)
    for second in range(10):
        bucket.drain(now=float(second))
    slowed = timedelta(seconds=30).total_seconds()
    assert bucket.wait(5, now=9 + slowed) == 0


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        pytest.param(500, 0, id="500: five calls and 500 instances are there"),
        pytest.param(1000, 2.5, id="1000: five more calls come at two a second"),
        pytest.param(5000, 2000, id="5000: 4000 more instances come at two a second"),
    ],
)
def test_how_long_a_launch_takes_at_the_documented_rate(members: int, seconds: float) -> None:
    calls = [100] * (members // 100)
    expected = timedelta(seconds=seconds)
    assert abs(time_for(documented("RunInstances"), calls) - expected) <= EARLIER + EARLIER


def test_calls_without_a_limit_take_no_time() -> None:
    assert time_for(Limits(), [1, 2, 3]) == timedelta(0)
