from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.launcher.plan.acceptance import (
    Terms,
    accept,
    check_in_time,
    check_nameless,
    check_names,
    check_same,
    name_taken,
    preview,
    rejected_event,
    spec_hash,
)
from services.launcher.plan.ladder import split_chunks
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.checks import Limits
from spawn.contracts.events import ArrayAccepted, ArrayRejected
from spawn.contracts.launches import (
    AddressKind,
    Digest,
    Launch,
    LaunchSpec,
    PlannedChunk,
    WaitFor,
    digest,
)
from spawn.contracts.leases import Lease
from spawn.errors import Conflict, Rejected
from tests.builders import ARRAY_ID, NOON, PLACEMENT, POOL_A, an_array

TERMS = Terms(deployment="test", limits=Limits(), default_ttl=timedelta(hours=8))
HELLO = Digest(5, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")


def a_spec(**changes: Any) -> LaunchSpec:
    spec = LaunchSpec(name="training", count=8, region="us-east-1")
    return msgspec.structs.replace(spec, **changes)


def a_launch(spec: LaunchSpec | None = None, **changes: Any) -> Launch:
    return msgspec.structs.replace(
        Launch(request_id="request-1", spec=spec or a_spec()), **changes
    )


def accepted(launch: Launch | None = None, *, owner: str = "cli", minutes: float = 0) -> Array:
    """Accept a launch some minutes after noon."""
    now = NOON + timedelta(minutes=minutes)
    return accept(launch or a_launch(), owner=owner, now=now, terms=TERMS)


def test_an_accepted_launch_is_a_record_with_its_event() -> None:
    array = accepted(minutes=1)
    assert (array.name, array.owner, array.request_id) == ("training", "cli", "request-1")
    assert (array.state, array.size, array.min_count) == (ArrayState.ACCEPTED, 8, 8)
    assert array.lease == Lease(until=NOON + timedelta(hours=8, minutes=1))
    (event,) = array.outbox
    assert event.id == f"{array.id}/array/-/-/accepted/1"
    assert (event.source, event.time) == ("/spawn/test/launcher", array.accepted_at)
    assert event.data == ArrayAccepted(
        name="training",
        owner="cli",
        request_id="request-1",
        region="us-east-1",
        size=8,
        min_count=8,
        lease=array.lease,
    )


def test_what_is_asked_for_is_what_is_kept() -> None:
    assert accepted(a_launch(a_spec(no_ttl=True))).lease.is_endless
    array = accepted(a_launch(a_spec(min_count=3, ttl="90m")))
    assert (array.min_count, array.lease.until) == (3, NOON + timedelta(minutes=90))


def test_no_text_of_the_user_stands_in_the_record() -> None:
    array = accepted(a_launch(a_spec(user_data="hello")))
    assert array.user_data == HELLO
    assert b"hello" not in msgspec.json.encode(array)


def test_the_same_request_is_the_same_array_and_another_owner_has_another() -> None:
    assert accepted(minutes=5).id == accepted().id
    assert accepted(owner="ci").id != accepted().id
    assert accepted(a_launch(request_id="request-2")).id != accepted().id


@pytest.mark.parametrize(
    ("not_after", "minutes", "taken"),
    [
        pytest.param(None, 10, True, id="ten minutes after it was sent: taken"),
        pytest.param(None, 10.1, False, id="more than ten minutes: too late"),
        pytest.param(NOON + timedelta(minutes=1), 1, True, id="at its own limit: taken"),
        pytest.param(NOON + timedelta(minutes=1), 1.1, False, id="after its own: too late"),
        pytest.param(NOON + timedelta(hours=1), 59, True, id="its own limit is longer: taken"),
    ],
)
def test_a_launch_is_taken_in_time_or_not_at_all(
    not_after: Any, minutes: float, taken: bool
) -> None:
    launch, now = a_launch(not_after=not_after), NOON + timedelta(minutes=minutes)
    if taken:
        check_in_time(launch, sent_at=NOON, now=now)
        return
    with pytest.raises(Rejected, match="send it again") as refusal:
        check_in_time(launch, sent_at=NOON, now=now)
    assert (refusal.value.field, refusal.value.code) == ("not_after", "expired")


@pytest.mark.parametrize(
    ("launch", "field"),
    [
        pytest.param(a_launch(request_id="no good"), "request_id", id="request id with a space"),
        pytest.param(a_launch(a_spec(name="No")), "name", id="name in capitals"),
        pytest.param(a_launch(a_spec(count=5001)), "count", id="more than the deployment allows"),
    ],
)
def test_what_is_wrong_is_named(launch: Launch, field: str) -> None:
    with pytest.raises(Rejected) as refusal:
        accepted(launch)
    assert refusal.value.field == field


def test_a_preview_says_what_a_launch_would_do() -> None:
    spec = a_spec(count=3, user_data="héllo", ttl="1h")
    chunks = split_chunks(range(3), size=2)
    plan = preview(spec, PLACEMENT, chunks, expected=timedelta(minutes=33), now=NOON, terms=TERMS)
    assert plan.chunks == (
        PlannedChunk(ranks="0-1", pool=POOL_A),
        PlannedChunk(ranks="2", pool=POOL_A),
    )
    assert (plan.size, plan.min_count, plan.calls) == (3, 3, {"RunInstances": 2})
    assert (plan.user_data_bytes, plan.image_id) == (6, PLACEMENT.image_id)
    assert plan.expected_seconds == 33 * 60
    assert (plan.pools, plan.lease.until) == (PLACEMENT.pools, NOON + timedelta(hours=1))


def test_a_preview_keeps_a_smaller_min_count() -> None:
    spec, at_once = a_spec(min_count=2), timedelta(0)
    plan = preview(spec, PLACEMENT, (), expected=at_once, now=NOON, terms=TERMS)
    assert (plan.size, plan.min_count) == (8, 2)


def a_rejection(message_id: str) -> str:
    data = ArrayRejected(request_id="r", name="training", code="c", message="m", field="name")
    event = rejected_event(ARRAY_ID, data, deployment="test", message_id=message_id, now=NOON)
    assert (event.data, event.source) == (data, "/spawn/test/launcher")
    return event.id


def test_a_rejection_is_one_event_for_each_command() -> None:
    assert a_rejection("one") == a_rejection("one")
    assert a_rejection("one") != a_rejection("two")
    assert a_rejection("one").startswith(f"{ARRAY_ID}/array/-/-/rejected/")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"count": 9}, "count", id="one field"),
        pytest.param({"user_data": "hello"}, "user_data", id="a text"),
        pytest.param({"count": 9, "ttl": "1h", "user_data": "x"}, "count, ttl, user_data", id="3"),
    ],
)
def test_the_same_request_with_another_spec_names_what_differs(
    changes: dict[str, Any], named: str
) -> None:
    before, after = accepted(), accepted(a_launch(a_spec(**changes)))
    assert before.id == after.id
    with pytest.raises(Conflict, match=f"another {named};") as conflict:
        check_same(before, after)
    assert conflict.value.code == "request-conflict"


def test_the_same_spec_later_is_the_same_request() -> None:
    check_same(accepted(), accepted(minutes=3))


def test_a_taken_name_names_its_holder_and_how_to_free_it() -> None:
    refusal = name_taken("training", an_array())
    assert (refusal.field, refusal.code) == ("name", "name-taken")
    assert f"spawn terminate {ARRAY_ID}" in refusal.message
    assert "is launching" in refusal.message


def test_the_hash_of_a_spec_does_not_depend_on_the_order_of_tags() -> None:
    one, other = a_spec(tags={"a": "1", "b": "2"}), a_spec(tags={"b": "2", "a": "1"})
    assert spec_hash(one) == spec_hash(other)
    assert spec_hash(one) != spec_hash(a_spec(tags={"a": "1"}))


def test_nothing_has_no_digest() -> None:
    assert digest("") is None
    assert digest("hello") == HELLO


@pytest.mark.parametrize(
    ("holder", "asked", "field"),
    [
        ({"name": "training-3", "count": 1}, {"count": 8}, "name"),
        ({"name": "other", "dns": "training"}, {"count": 1}, "name"),
        ({"name": "llm", "count": 4}, {"dns": "llm-3"}, "dns"),
    ],
    ids=["a rank's name", "chosen by another", "chosen, a rank's of another"],
)
def test_names_that_another_array_has_are_refused_while_it_lives(
    holder: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    other = accepted(a_launch(a_spec(**holder), request_id="other"))
    array = accepted(a_launch(a_spec(**asked)))
    with pytest.raises(Rejected, match=other.id) as refused:
        check_names(array, [array, other])
    assert (refused.value.field, refused.value.code) == (field, "dns-taken")
    check_names(array, [msgspec.structs.replace(other, state=ArrayState.TERMINATED)])


def test_names_beside_those_of_others_are_free() -> None:
    other = accepted(a_launch(a_spec(name="training-8"), request_id="other"))
    check_names(accepted(), [other])


@pytest.mark.parametrize(
    "changes",
    [{"wait_for": WaitFor.DNS}, {"dns": "llm"}, {"dns_address": AddressKind.PUBLIC}],
    ids=["waits for names", "chooses names", "chooses addresses"],
)
def test_a_launch_that_needs_names_is_refused_where_machines_have_none(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(Rejected, match="SPAWN_DNS_BACKEND") as refused:
        check_nameless(a_spec(**changes))
    assert (refused.value.field, refused.value.code) == (next(iter(changes)), "dns-none")


def test_a_launch_that_needs_no_names_passes_where_machines_have_none() -> None:
    check_nameless(a_spec(wait_for=WaitFor.AGENT))
