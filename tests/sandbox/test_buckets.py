import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.buckets import UNFILTERED, Bucket, Buckets, Key, Limits, Rate, documented
from sandbox.request import AccountId, Region

KEY = Key(AccountId("123456789012"), Region("us-east-1"), "ec2", "RunInstances")


@pytest.mark.parametrize(
    ("api", "requests", "resources"),
    [
        ("RunInstances", Rate(5, 2), Rate(1000, 2)),
        ("StartInstances", Rate(5, 2), Rate(1000, 2)),
        ("TerminateInstances", Rate(100, 5), Rate(1000, 20)),
        ("StopInstances", Rate(50, 5), Rate(1000, 20)),
        ("CreateFleet", Rate(50, 5), None),
        ("CreateTags", Rate(100, 10), None),
        ("DescribeSubnets", Rate(100, 20), None),
        ("DescribeInstances", Rate(100, 20), None),
        ("DescribeInstances" + UNFILTERED, Rate(50, 10), None),
    ],
)
def test_ec2_has_its_documented_buckets(api: str, requests: Rate, resources: Rate | None) -> None:
    assert documented("ec2", api) == Limits(requests, resources)


def test_other_services_are_not_throttled() -> None:
    assert documented("iam", "CreateRole") == Limits()


def test_a_burst_is_admitted_then_one_call_for_each_refilled_token() -> None:
    buckets, limits = Buckets(), Limits(requests=Rate(5, 2))
    burst = [buckets.admit(KEY, limits, resources=0, now=0) for _ in range(6)]
    assert burst == [True] * 5 + [False]
    assert not buckets.admit(KEY, limits, resources=0, now=0.4)
    assert buckets.admit(KEY, limits, resources=0, now=0.5)


def test_resources_are_counted_apart_from_requests() -> None:
    buckets, limits = Buckets(), documented("ec2", "RunInstances")
    assert buckets.admit(KEY, limits, resources=1000, now=0)
    assert not buckets.admit(KEY, limits, resources=1, now=0)
    assert buckets.admit(KEY, limits, resources=1, now=0.5)


def test_what_was_not_used_is_given_back() -> None:
    buckets, limits = Buckets(), documented("ec2", "RunInstances")
    assert buckets.admit(KEY, limits, resources=1000, now=0)
    buckets.give_back(KEY, limits, resources=990, now=0)
    assert buckets.admit(KEY, limits, resources=990, now=0)
    assert not buckets.admit(KEY, limits, resources=1, now=0)


def test_regions_and_accounts_have_buckets_of_their_own() -> None:
    buckets, limits = Buckets(), Limits(requests=Rate(1, 0))
    others = [KEY._replace(region=Region("eu-west-1")), KEY._replace(account=AccountId("2"))]
    assert all(buckets.admit(key, limits, resources=0, now=0) for key in [KEY, *others])
    assert not any(buckets.admit(key, limits, resources=0, now=0) for key in [KEY, *others])


def test_another_rate_makes_a_full_bucket() -> None:
    buckets = Buckets()
    assert buckets.admit(KEY, Limits(requests=Rate(1, 0)), resources=0, now=0)
    assert buckets.admit(KEY, Limits(requests=Rate(2, 0)), resources=0, now=0)


STEPS = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 20)), max_size=50)


@given(burst=st.floats(0, 100), per_second=st.floats(0, 50), steps=STEPS)
def test_no_more_is_taken_than_burst_plus_refill(
    burst: float, per_second: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now, taken = Bucket(Rate(burst, per_second), now=0), 0.0, 0.0
    for wait, amount in steps:
        now += wait
        if bucket.take(amount, now=now):
            taken += amount
        assert taken <= burst + per_second * now + 1e-6
        assert 0 <= bucket.level(now=now) <= burst
