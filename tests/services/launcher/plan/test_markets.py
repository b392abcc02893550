from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.launcher.model import Places, Prices, View
from services.launcher.plan.endings import end_stopped
from services.launcher.plan.ladder import build_request, choose_pool, first_chunks
from services.launcher.plan.markets import market_of, pools_for
from services.launcher.plan.placement import plan_placement
from spawn.contracts.arrays import Placement
from spawn.contracts.checkpoints import OnInterruption
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import LaunchSpec, OnComplete
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.members import Member, MemberState
from spawn.contracts.pools import Allocation, Market, Pool, Refusal
from spawn.contracts.prices import PriceSource, Quote
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Rejected
from tests.builders import NOON, a_chunk, a_member, an_array, an_instance, running

STOPPED = a_member(
    state=MemberState.EXITED,
    exit_code=0,
    instance=an_instance(state=InstanceState.STOPPED, reason="Client.InstanceInitiatedShutdown"),
)
ASKED_TO = msgspec.structs.replace(
    STOPPED,
    instance=an_instance(state=InstanceState.STOPPED, reason="Client.UserInitiatedShutdown"),
)
SPOT, PLAIN = Market.SPOT, Market.ON_DEMAND
TYPES = ("m7i.large", "m6i.large", "c7i.large")
ZONES = ("us-east-1a", "us-east-1b")
PLACES = Places(
    types=TYPES,
    image_id="ami-00000001",
    architecture="x86_64",
    architectures=dict.fromkeys(TYPES, ("x86_64",)),
    offerings=dict.fromkeys(TYPES, ZONES),
    subnets=tuple((zone, f"subnet-{zone[-1]}") for zone in ZONES),
    security_group_ids=("sg-1",),
    spot_types=frozenset(TYPES),
)


def a_spec(**changes: Any) -> LaunchSpec:
    spec = LaunchSpec(name="training", region="us-east-1", count=4, instance_types=TYPES)
    return msgspec.structs.replace(spec, **changes)


def a_quote(usd: float) -> Quote:
    return Quote(usd=usd, source=PriceSource.LIVE, as_of=NOON)


def shown(pools: tuple[Pool, ...]) -> list[str]:
    return [f"{pool.market} {pool.instance_type} {pool.zone[-1]}" for pool in pools]


def pools_of(spec: LaunchSpec, places: Places = PLACES) -> list[str]:
    return shown(plan_placement(spec, places).pools)


@pytest.mark.parametrize(
    ("changes", "markets"),
    [
        pytest.param({}, [PLAIN] * 4, id="on demand unless spot is asked for"),
        pytest.param({"spot": True}, [SPOT] * 4, id="spot: all of them"),
        pytest.param({"spot_count": 3}, [PLAIN, SPOT, SPOT, SPOT], id="three: rank 0 is none"),
        pytest.param({"spot": True, "spot_count": 1}, [*[PLAIN] * 3, SPOT], id="one: the last"),
        pytest.param({"spot_count": 4}, [SPOT] * 4, id="as many as there are"),
    ],
)
def test_the_last_ranks_are_on_spot(changes: dict[str, Any], markets: list[Market]) -> None:
    assert [market_of(a_spec(**changes), rank) for rank in range(4)] == markets


@given(st.integers(1, 300), st.integers(0, 300), st.integers(1, 100))
def test_every_rank_is_asked_once_and_of_its_own_market(
    count: int, spot_count: int, size: int
) -> None:
    spec = a_spec(count=count, spot_count=min(count, spot_count))
    chunks = first_chunks(spec, size=size)
    assert [rank for chunk in chunks for rank in parse_ranks(chunk.ranks)] == list(range(count))
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert len({market_of(spec, rank) for rank in parse_ranks(chunk.ranks)}) == 1


@pytest.mark.parametrize(
    ("changes", "ranks", "markets"),
    [
        pytest.param({"spot": True}, "0-3", {SPOT}, id="spot has no other market"),
        pytest.param({"spot": True, "spot_fallback": True}, "0-3", {SPOT, PLAIN}, id="fallback"),
        pytest.param({"spot_count": 2}, "0-1", {PLAIN}, id="what is to be on demand"),
        pytest.param({"spot_count": 2}, "2-3", {SPOT}, id="what is to be on spot"),
        pytest.param(
            {"spot_count": 2, "spot_fallback": True}, "1-2", {PLAIN}, id="both: never on spot"
        ),
    ],
)
def test_a_chunk_is_asked_of_the_markets_of_its_ranks(
    changes: dict[str, Any], ranks: str, markets: set[Market]
) -> None:
    spec = a_spec(**changes)
    both = plan_placement(a_spec(spot=True, spot_fallback=True), PLACES)
    found = pools_for(spec, both, a_chunk(ranks))
    assert {pool.market for pool in found} == markets
    assert found[0].market is (SPOT if SPOT in markets else PLAIN)


def test_spot_pools_come_before_those_on_demand() -> None:
    spec = a_spec(spot=True, spot_fallback=True, zones=("us-east-1a",))
    assert pools_of(spec) == [
        "spot m7i.large a",
        "spot m6i.large a",
        "spot c7i.large a",
        "on-demand m7i.large a",
        "on-demand m6i.large a",
        "on-demand c7i.large a",
    ]


def test_the_lowest_price_is_first_and_what_has_none_last() -> None:
    prices = Prices(
        spot={
            ("m6i.large", "us-east-1a"): a_quote(0.03),
            ("m7i.large", "us-east-1b"): a_quote(0.02),
            ("m7i.large", "us-east-1a"): a_quote(0.04),
        }
    )
    places = msgspec.structs.replace(PLACES, prices=prices)
    assert pools_of(a_spec(spot=True, allocation=Allocation.LOWEST_PRICE), places) == [
        "spot m7i.large b",
        "spot m6i.large a",
        "spot m7i.large a",
        "spot m6i.large b",
        "spot c7i.large a",
        "spot c7i.large b",
    ]


def test_on_demand_pools_are_ordered_by_price_too() -> None:
    prices = Prices(on_demand={"c7i.large": a_quote(0.09), "m6i.large": a_quote(0.1)})
    places = msgspec.structs.replace(PLACES, prices=prices)
    spec = a_spec(allocation=Allocation.LOWEST_PRICE, zones=("us-east-1a",))
    assert pools_of(spec, places) == [
        "on-demand c7i.large a",
        "on-demand m6i.large a",
        "on-demand m7i.large a",
    ]


def test_scores_order_the_zones_of_spot_and_of_nothing_else() -> None:
    places = msgspec.structs.replace(PLACES, scores={"us-east-1a": 3, "us-east-1b": 9})
    spec = a_spec(spot=True, spot_fallback=True, allocation=Allocation.CAPACITY)
    found = pools_of(spec, places)
    assert found[:3] == ["spot m7i.large b", "spot m6i.large b", "spot c7i.large b"]
    assert found[6:8] == ["on-demand m7i.large a", "on-demand m7i.large b"]


def test_a_type_without_spot_is_not_asked_for_on_spot() -> None:
    places = msgspec.structs.replace(PLACES, spot_types=frozenset({"c7i.large"}))
    assert pools_of(a_spec(spot=True), places) == ["spot c7i.large a", "spot c7i.large b"]


def test_types_none_of_which_has_spot_are_refused() -> None:
    places = msgspec.structs.replace(PLACES, spot_types=frozenset())
    with pytest.raises(Rejected, match="AWS has no spot of them") as refusal:
        plan_placement(a_spec(spot=True), places)
    assert refusal.value.field == "instance_types"
    fallen_back = pools_of(a_spec(spot=True, spot_fallback=True), places)
    assert fallen_back[0] == "on-demand m7i.large a"


def test_without_fallback_a_chunk_that_every_spot_pool_refused_has_no_pool() -> None:
    placement = plan_placement(a_spec(spot=True, spot_fallback=True), PLACES)
    spots = [pool for pool in placement.pools if pool.market is SPOT]
    refusals = tuple(
        Refusal(pool=pool, code="X", message="none", asked=4, launched=0) for pool in spots
    )
    for fallback, expected in ((False, None), (True, placement.pools[len(spots)])):
        array = an_array(
            spec=a_spec(spot=True, spot_fallback=fallback), placement=placement, refusals=refusals
        )
        assert choose_pool(array, a_chunk(), {}, now=NOON) == expected


@pytest.mark.parametrize(
    ("market", "price", "expected"),
    [
        pytest.param(SPOT, 0.25, "0.250000", id="spot: as EC2 reads it"),
        pytest.param(SPOT, None, "", id="none: the on-demand price"),
        pytest.param(PLAIN, 0.25, "", id="on demand: no bid"),
    ],
)
def test_the_request_has_the_highest_price_of_spot(
    market: Market, price: float | None, expected: str
) -> None:
    pool = Pool(market, "m7i.large", "us-east-1a", "subnet-a")
    placement = Placement(image_id="ami-1", pools=(pool,), security_group_ids=())
    array = an_array(spec=a_spec(spot=True, spot_max_price=price), placement=placement)
    request = build_request(array, array.chunks[0], pool)
    assert (request.market, request.max_price) == (market, expected)


@pytest.mark.parametrize(
    ("market", "wanted", "action"),
    [
        pytest.param(SPOT, OnInterruption.TERMINATE, LeaseAction.TERMINATE, id="ended"),
        pytest.param(SPOT, OnInterruption.CHECKPOINT, LeaseAction.TERMINATE, id="saved, ended"),
        pytest.param(SPOT, OnInterruption.STOP, LeaseAction.STOP, id="stopped"),
        pytest.param(SPOT, OnInterruption.HIBERNATE, LeaseAction.STOP, id="hibernated"),
        pytest.param(PLAIN, OnInterruption.STOP, LeaseAction.TERMINATE, id="never interrupted"),
    ],
)
def test_what_interrupted_machines_do_is_asked_for_with_them(
    market: Market, wanted: OnInterruption, action: LeaseAction
) -> None:
    pool = Pool(market, "m7i.large", "us-east-1a", "subnet-a")
    placement = Placement(image_id="ami-1", pools=(pool,), security_group_ids=())
    array = an_array(spec=a_spec(spot=True, on_interruption=wanted), placement=placement)
    assert build_request(array, array.chunks[0], pool).lease_action is action


@pytest.mark.parametrize(
    ("member", "on_complete", "is_ended"),
    [
        pytest.param(STOPPED, OnComplete.TERMINATE, True, id="stopped after its job"),
        pytest.param(STOPPED, OnComplete.STOP, False, id="that is wanted"),
        pytest.param(ASKED_TO, OnComplete.TERMINATE, False, id="stopped by somebody"),
        pytest.param(running(0), OnComplete.TERMINATE, False, id="still at it"),
        pytest.param(
            msgspec.structs.replace(STOPPED, state=MemberState.READY),
            OnComplete.TERMINATE,
            False,
            id="stopped in its job",
        ),
    ],
)
def test_what_has_stopped_instead_of_ending_is_ended(
    member: Member, on_complete: OnComplete, is_ended: bool
) -> None:
    view = View(
        array=an_array(1, spec=a_spec(on_complete=on_complete)), members={0: member}, now=NOON
    )
    assert [step.instance_ids for step in end_stopped(view)] == (
        [(member.instance.id,)] if is_ended else []
    )


def test_what_goes_off_at_a_lease_that_means_a_stop_keeps_its_disk() -> None:
    lease = Lease(until=NOON, action=LeaseAction.STOP)
    spec = a_spec(on_complete=OnComplete.TERMINATE)
    view = View(array=an_array(1, spec=spec, lease=lease), members={0: STOPPED}, now=NOON)
    assert list(end_stopped(view)) == []
