from collections.abc import Callable

import msgspec
import pytest

from services.launcher.model import Refused
from services.launcher.plan.filling import members_of
from services.launcher.plan.ladder import open_intent
from services.launcher.plan.settlement import (
    drop_chunk,
    end,
    explain_refusals,
    give_up,
    settle_launched,
    settle_lost,
    settle_refused,
)
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import ArrayLaunching, InstanceLaunched
from spawn.contracts.ids import ClientToken
from spawn.contracts.instances import InstanceState
from spawn.contracts.pools import Pool
from spawn.errors import Cause
from tests.builders import (
    NOON,
    PLACEMENT,
    POOL_A,
    POOL_B,
    a_chunk,
    a_member,
    an_array,
    an_instance,
    described,
    lost,
)

Settle = Callable[[Array, ClientToken], Array]

NO_CAPACITY = Refused(
    cause=Cause.CAPACITY, code="InsufficientInstanceCapacity", message="none left"
)


def asked(array: Array | None = None, *, pool: Pool = POOL_A) -> Array:
    """Return an array whose first chunk has been asked of a pool."""
    array = array or an_array()
    return open_intent(array, array.chunks[0], pool, now=NOON)


def token_of(array: Array) -> ClientToken:
    return array.intents[0].token


def test_instances_get_their_rank_by_launch_index() -> None:
    array = asked(an_array(size=8, chunks=(a_chunk("3,5-7"),)))
    (intent,) = array.intents
    made = [described(intent, index) for index in (2, 0, 3, 1)]
    members = members_of(array, intent, made, {}, now=NOON)
    assert [(each.rank, each.instance.id) for each in members] == [
        (3, an_instance(0).id),
        (5, an_instance(1).id),
        (6, an_instance(2).id),
        (7, an_instance(3).id),
    ]
    (event,) = members[0].outbox
    assert event.id == "training-abcdefghijkl/instance/3/0/launched/1"
    assert isinstance(event.data, InstanceLaunched)
    assert event.data.reason == "asked of on-demand m7i.large us-east-1a"


def test_a_rank_that_is_recorded_already_is_left_as_it_is() -> None:
    array = asked(an_array(size=1))
    (intent,) = array.intents
    known = {0: a_member(0)}
    assert members_of(array, intent, [described(intent, 0)], known, now=NOON) == ()


def test_the_same_instance_does_not_come_back_after_its_end() -> None:
    array = asked(an_array(size=1))
    (intent,) = array.intents
    assert members_of(array, intent, [described(intent, 0)], {0: lost(0)}, now=NOON) == ()


def test_a_lost_member_is_followed_by_the_next_generation() -> None:
    array = asked(an_array(size=1))
    (intent,) = array.intents
    gone = an_instance(9, state=InstanceState.TERMINATED)
    known = {0: lost(0, instance=gone, version=3)}
    (member,) = members_of(array, intent, [described(intent, 0)], known, now=NOON)
    assert (member.generation, member.version) == (1, 4)


def test_a_full_answer_closes_the_intent() -> None:
    array = asked()
    after = settle_launched(array, token_of(array), {0, 1, 2, 3}, now=NOON)
    assert (after.intents, after.chunks, after.refusals) == ((), (), ())
    assert after.version == array.version + 1


def test_a_partial_answer_sends_the_rest_to_the_next_pool_and_says_why() -> None:
    array = asked()
    after = settle_launched(array, token_of(array), {0, 1}, now=NOON)
    assert after.intents == ()
    assert after.chunks == (a_chunk("2-3", attempt=1),)
    (refusal,) = after.refusals
    assert (refusal.pool, refusal.asked, refusal.launched) == (POOL_A, 4, 2)
    (event,) = after.outbox
    assert isinstance(event.data, ArrayLaunching)
    assert event.data.pools == (POOL_B,)
    assert event.data.reason == (
        "on-demand m7i.large us-east-1a: the pool had 2 of 4; ranks 2-3 go to the next pool"
    )


def test_no_capacity_for_all_asks_the_same_pool_for_what_it_has() -> None:
    array = asked()
    after = settle_refused(array, token_of(array), NO_CAPACITY, now=NOON)
    assert after.chunks == (a_chunk("0-3", attempt=1, partial=True, pool=POOL_A),)
    assert after.refusals == ()


def test_no_capacity_at_all_goes_to_the_next_pool() -> None:
    array = asked(an_array(chunks=(a_chunk(partial=True, pool=POOL_A, attempt=1),)))
    after = settle_refused(array, token_of(array), NO_CAPACITY, now=NOON)
    assert after.chunks == (a_chunk("0-3", attempt=2),)
    assert [each.pool for each in after.refusals] == [POOL_A]


def test_one_rank_is_not_asked_for_twice_in_the_same_pool() -> None:
    array = asked(an_array(size=1))
    after = settle_refused(array, token_of(array), NO_CAPACITY, now=NOON)
    assert after.chunks == (a_chunk("0", attempt=1),)
    assert len(after.refusals) == 1


def test_a_pool_has_one_refusal_the_newest() -> None:
    array = asked(an_array(size=1))
    after = settle_refused(array, token_of(array), NO_CAPACITY, now=NOON)
    again = asked(after, pool=POOL_A)
    after = settle_refused(again, token_of(again), NO_CAPACITY, now=NOON)
    assert len(after.refusals) == 1


@pytest.mark.parametrize("cause", [Cause.QUOTA, Cause.PERMISSION, Cause.INVALID])
def test_what_no_pool_can_help_ends_the_launch(cause: Cause) -> None:
    array = asked()
    refused = Refused(cause=cause, code="VcpuLimitExceeded", message="the limit is 32")
    after = settle_refused(array, token_of(array), refused, now=NOON)
    assert (after.state, after.intents, after.chunks) == (ArrayState.TERMINATING, (), ())
    assert after.ending is not None
    assert after.ending.state is ArrayState.FAILED
    assert after.ending.reason == "VcpuLimitExceeded: the limit is 32"


def test_lost_instances_leave_their_ranks_waiting() -> None:
    array = asked()
    after = settle_lost(array, token_of(array), now=NOON)
    assert (after.intents, after.chunks) == ((), (a_chunk("0-3", attempt=1),))


def launched_one(array: Array, token: ClientToken) -> Array:
    return settle_launched(array, token, {0}, now=NOON)


def refused_all(array: Array, token: ClientToken) -> Array:
    return settle_refused(array, token, NO_CAPACITY, now=NOON)


def lost_all(array: Array, token: ClientToken) -> Array:
    return settle_lost(array, token, now=NOON)


@pytest.mark.parametrize("settle", [launched_one, refused_all, lost_all])
class TestSettling:
    def test_an_unknown_token_changes_nothing(self, settle: Settle) -> None:
        array = asked()
        assert settle(array, ClientToken("other")) is array

    def test_nothing_waits_in_an_array_that_is_ending(self, settle: Settle) -> None:
        ending = end(asked(), "asked for", now=NOON)
        after = settle(ending, token_of(ending))
        assert (after.intents, after.chunks, after.state) == ((), (), ArrayState.TERMINATING)


def test_giving_up_twice_keeps_the_first_reason() -> None:
    array = give_up(asked(), "quota", "first", now=NOON)
    after = give_up(array, "quota", "second", now=NOON, without=token_of(array))
    assert after.ending is not None
    assert (after.ending.reason, after.intents) == ("first", ())


def test_dropping_a_chunk_leaves_its_ranks_unfilled() -> None:
    array = an_array()
    assert drop_chunk(array, array.chunks[0], now=NOON).chunks == ()


def test_refusals_are_explained_pool_by_pool() -> None:
    array = asked()
    after = settle_launched(array, token_of(array), {0}, now=NOON)
    assert explain_refusals(after) == (
        "on-demand m7i.large us-east-1a: InsufficientInstanceCapacity"
        " (1 of 4: the pool had 1 of 4)"
    )


def test_an_error_without_a_code_is_told_by_its_message() -> None:
    array = asked()
    after = settle_refused(
        array, token_of(array), Refused(cause=Cause.INVALID, code="", message="bad"), now=NOON
    )
    assert after.reason == "bad"


def test_without_a_placement_no_pool_is_announced() -> None:
    array = msgspec.structs.replace(asked(), placement=None)
    after = settle_launched(array, token_of(array), {0}, now=NOON)
    assert after.outbox == ()
    assert PLACEMENT.pools == (POOL_A, POOL_B)


def test_a_launch_given_up_on_a_later_try_leaves_its_intent_to_be_traced() -> None:
    array = asked()
    refused = Refused(cause=Cause.PERMISSION, code="UnauthorizedOperation", message="no")
    after = settle_refused(array, token_of(array), refused, made_nothing=False, now=NOON)
    assert after.state is ArrayState.TERMINATING
    assert [intent.token for intent in after.intents] == [token_of(array)]
