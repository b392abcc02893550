from sandbox.behaviour import CapacityRule
from sandbox.ec2.capacity import Capacity, Quota
from sandbox.ec2.records import Pool

SPOT_A = Pool("spot", "g5.xlarge", "us-east-1a")
SPOT_B = Pool("spot", "g5.xlarge", "us-east-1b")
DEMAND_A = Pool("on-demand", "g5.xlarge", "us-east-1a")


def test_a_pool_that_no_rule_names_is_without_limit() -> None:
    capacity = Capacity()
    capacity.take(SPOT_A, 1000)
    assert capacity.free(SPOT_A) is None
    assert capacity.limited() == {}


def test_places_are_taken_and_given_back() -> None:
    capacity = Capacity()
    capacity.set(CapacityRule(free=3))
    capacity.take(SPOT_A, 2)
    assert (capacity.free(SPOT_A), capacity.free(SPOT_B)) == (1, 3)
    capacity.give_back(SPOT_A)
    assert capacity.free(SPOT_A) == 2


def test_a_rule_matches_what_it_names() -> None:
    capacity = Capacity()
    capacity.set(CapacityRule(market="spot", zone="us-east-1a", free=0))
    free = [capacity.free(pool) for pool in (SPOT_A, SPOT_B, DEMAND_A)]
    assert free == [0, None, None]


def test_the_last_rule_holds() -> None:
    capacity = Capacity()
    capacity.set(CapacityRule(free=0))
    capacity.take(SPOT_A, 0)
    capacity.set(CapacityRule(market="spot", free=5))
    assert (capacity.free(SPOT_A), capacity.free(DEMAND_A)) == (5, 0)
    capacity.set(CapacityRule())
    assert capacity.free(SPOT_A) is None


def test_cleared_capacity_is_without_limit() -> None:
    capacity = Capacity()
    capacity.set(CapacityRule(free=0))
    capacity.clear()
    assert capacity.free(SPOT_A) is None


def test_a_quota_counts_by_market() -> None:
    quota = Quota()
    quota.used["spot"] = 30
    assert quota.free("spot", limit=32) == 2
    assert quota.free("spot", limit=16) == 0
    assert quota.free("on-demand", limit=32) == 32
    assert quota.free("on-demand", limit=None) is None
