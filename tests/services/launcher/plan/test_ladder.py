from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.launcher.model import Refused
from services.launcher.plan.filling import members_of
from services.launcher.plan.ladder import (
    MOST_RANGES,
    build_request,
    choose_pool,
    generation_of,
    open_intent,
    split_chunks,
)
from services.launcher.plan.settlement import settle_refused
from spawn.contracts.arrays import Array, ArrayState, Boot, Chunk
from spawn.contracts.launches import OnComplete
from spawn.contracts.leases import LeaseAction
from spawn.contracts.members import Member
from spawn.contracts.pools import Pool, Refusal
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Cause, Conflict
from tests.builders import (
    NOON,
    PLACEMENT,
    POOL_A,
    POOL_B,
    a_chunk,
    a_member,
    an_array,
    an_ending,
    described,
    lost,
)

LATER = NOON.replace(hour=13)


def refusal(pool: Pool) -> Refusal:
    return Refusal(pool=pool, code="X", message="none left", asked=4, launched=0)


@given(st.sets(st.integers(0, 4999), max_size=400), st.integers(1, 100))
def test_chunks_hold_every_rank_once_within_their_limits(ranks: set[int], size: int) -> None:
    chunks = split_chunks(sorted(ranks), size=size, first_number=3)
    held = [rank for chunk in chunks for rank in parse_ranks(chunk.ranks)]
    assert held == sorted(ranks)
    assert [chunk.number for chunk in chunks] == list(range(3, 3 + len(chunks)))
    for chunk in chunks:
        assert len(parse_ranks(chunk.ranks)) <= size
        assert len(chunk.ranks.split(",")) <= MOST_RANGES
        assert len(chunk.ranks) <= 256


def test_contiguous_ranks_make_full_chunks() -> None:
    assert [chunk.ranks for chunk in split_chunks(range(250), size=100)] == [
        "0-99",
        "100-199",
        "200-249",
    ]


@pytest.mark.parametrize(
    ("refused", "exhausted", "expected"),
    [
        pytest.param((), {}, POOL_A, id="nothing known: the first"),
        pytest.param((POOL_A,), {}, POOL_B, id="first refused this array: the second"),
        pytest.param((), {POOL_A: LATER}, POOL_B, id="first exhausted by others: last"),
        pytest.param((), {POOL_A: NOON}, POOL_A, id="memory over: the first again"),
        pytest.param((), {POOL_A: LATER, POOL_B: LATER}, POOL_A, id="all exhausted: tried anyway"),
        pytest.param((POOL_A, POOL_B), {}, None, id="all refused: none"),
    ],
)
def test_the_next_pool(
    refused: tuple[Pool, ...], exhausted: dict[Pool, datetime], expected: Pool | None
) -> None:
    array = an_array(refusals=tuple(refusal(pool) for pool in refused))
    assert choose_pool(array, a_chunk(), exhausted, now=NOON) == expected


def test_a_partial_chunk_stays_with_its_pool_until_that_refuses() -> None:
    chunk = a_chunk(partial=True, pool=POOL_B)
    assert choose_pool(an_array(), chunk, {}, now=NOON) == POOL_B
    refused = an_array(refusals=(refusal(POOL_B),))
    assert choose_pool(refused, chunk, {}, now=NOON) == POOL_A


def test_without_a_placement_there_is_no_pool() -> None:
    assert choose_pool(an_array(placement=None), a_chunk(), {}, now=NOON) is None


def test_an_intent_holds_the_complete_request() -> None:
    array = an_array()
    after = open_intent(array, array.chunks[0], POOL_A, now=NOON)
    (intent,) = after.intents
    assert after.chunks == ()
    assert intent.opened_at == NOON
    assert msgspec.to_builtins(intent.request) == {
        "region": "us-east-1",
        "client_token": "64c6e7077c1e92bc1069b20075fbf2efa2d4601f5c97f707aa79fe0734c4da21",
        "image_id": "ami-00000001",
        "instance_type": "m7i.large",
        "subnet_id": "subnet-0000000a",
        "market": "on-demand",
        "min_count": 4,
        "max_count": 4,
        "security_group_ids": ("sg-00000001",),
        "tags": {
            "Name": "training",
            "spawn:managed": "true",
            "spawn:deployment": "test",
            "spawn:array-id": "training-abcdefghijkl",
            "spawn:array-name": "training",
            "spawn:ranks": "0-3",
            "spawn:size": "4",
            "spawn:generation": "0",
            "spawn:lease": "2026-12-01T20:00:00Z",
            "spawn:owner": "cli",
        },
        "lease_action": "terminate",
        "user_data": "",
        "key_name": "",
        "instance_profile": "",
        "hibernation": None,
        "max_price": "",
    }


def test_a_partial_chunk_asks_for_as_many_as_there_are() -> None:
    chunk = a_chunk(partial=True, pool=POOL_A, attempt=1)
    request = build_request(an_array(), chunk, POOL_A)
    assert (request.min_count, request.max_count) == (1, 4)
    elsewhere = build_request(an_array(), chunk, POOL_B)
    assert (elsewhere.min_count, elsewhere.max_count) == (4, 4)


@given(
    st.tuples(st.integers(0, 60), st.integers(0, 9)),
    st.tuples(st.integers(0, 60), st.integers(0, 9)),
)
def test_tokens_differ_exactly_when_chunk_or_attempt_do(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    def token(which: tuple[int, int]) -> str:
        chunk = a_chunk(number=which[0], attempt=which[1])
        return build_request(an_array(), chunk, POOL_A).client_token

    assert (token(one) == token(other)) == (one == other)
    assert len(token(one)) <= 64


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(an_array(state=ArrayState.TERMINATING, ending=an_ending()), id="ending"),
        pytest.param(an_array(state=ArrayState.READY), id="ready"),
        pytest.param(an_array(chunks=()), id="the chunk no longer waits"),
    ],
)
def test_no_intent_is_opened_unless_the_chunk_waits_in_a_launch(array: Array) -> None:
    with pytest.raises(Conflict):
        open_intent(array, a_chunk(), POOL_A, now=NOON)


def test_no_request_without_a_placement() -> None:
    with pytest.raises(Conflict):
        build_request(an_array(placement=None), a_chunk(), POOL_A)


def test_tags_of_the_user_stand_beside_ours() -> None:
    array = an_array(
        spec=msgspec.structs.replace(an_array().spec, tags={"Name": "x", "team": "y"})
    )
    tags = build_request(array, a_chunk(), POOL_A).tags
    assert (tags["Name"], tags["team"], tags["spawn:size"]) == ("x", "y", "4")


def test_a_machine_that_stops_after_its_job_is_not_ended_by_its_shutdown() -> None:
    array = an_array()
    assert build_request(array, a_chunk(), POOL_A).lease_action is LeaseAction.TERMINATE
    spec = msgspec.structs.replace(array.spec, on_complete=OnComplete.STOP)
    stops = msgspec.structs.replace(array, spec=spec)
    assert build_request(stops, a_chunk(), POOL_A).lease_action is LeaseAction.STOP


@pytest.mark.parametrize(
    ("chunk", "members", "expected"),
    [
        pytest.param(a_chunk("0-1"), [], 0, id="ranks that nobody has had: the first"),
        pytest.param(a_chunk("0-1"), [lost(0, generation=2)], 3, id="one has ended: the next"),
        pytest.param(a_chunk("0-1"), [lost(0), lost(1, generation=4)], 5, id="two: above both"),
        pytest.param(a_chunk("0-1"), [lost(2, generation=2)], 0, id="another rank: no matter"),
        pytest.param(a_chunk("0-1"), [a_member(0, generation=2)], 0, id="one lives: no matter"),
        pytest.param(a_chunk("0-1", generation=7), [lost(0)], 7, id="asked for: at least that"),
    ],
)
def test_the_generation_of_what_a_chunk_makes(
    chunk: Chunk, members: list[Member], expected: int
) -> None:
    assert generation_of(chunk, {each.rank: each for each in members}) == expected


def test_its_generation_is_in_tag_boot_and_records() -> None:
    boot = Boot(agent_url="https://x", agent_sha256="0", bus_url="nats://x")
    array = an_array(placement=msgspec.structs.replace(PLACEMENT, boot=boot))
    after = open_intent(
        array, array.chunks[0], POOL_A, generation=3, template="g=@GENERATION@", now=NOON
    )
    (intent,) = after.intents
    assert intent.request.tags["spawn:generation"] == "3"
    assert intent.request.user_data == "g=3"
    (member,) = members_of(after, intent, [described(intent, 0)], {}, now=NOON)
    assert member.generation == 3


def test_a_chunk_that_is_refused_keeps_its_generation() -> None:
    array = an_array(chunks=(a_chunk("0", generation=2),))
    after = open_intent(array, array.chunks[0], POOL_A, now=NOON)
    refused = Refused(cause=Cause.CAPACITY, code="X", message="none left")
    (chunk,) = settle_refused(after, after.intents[0].token, refused, now=NOON).chunks
    assert (chunk.generation, chunk.attempt) == (2, 1)
