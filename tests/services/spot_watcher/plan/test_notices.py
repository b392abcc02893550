from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.spot_watcher.model import Amend, Create, Heard, Holder, Renew, Repeat, Steps
from services.spot_watcher.plan.notices import (
    SAME_OCCASION,
    decide,
    is_past,
    may_be_missing,
    tell_of,
)
from spawn.contracts.events import NoticeInterruption, NoticeMaintenance, NoticeRebalance
from spawn.contracts.ids import InstanceId
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind, NoticeSource, notice_key
from tests.builders import ARRAY_ID
from tests.fakes.clock import NOON

ID = InstanceId("i-0123456789abcdef0")
HOLDER = Holder(ARRAY_ID, 2, 1)
LEAD = timedelta(minutes=2)
INTERRUPTIONS = (NoticeAction.TERMINATE, NoticeAction.STOP, NoticeAction.HIBERNATE)


def a_warning(**changes: Any) -> Heard:
    heard = Heard(
        instance_id=ID,
        kind=NoticeKind.INTERRUPTION,
        action=NoticeAction.TERMINATE,
        source=NoticeSource.EVENTS,
        at=NOON,
        dies_at=NOON + LEAD,
    )
    return msgspec.structs.replace(heard, **changes)


def decided(heard: Heard, known: Notice | None = None) -> Steps:
    return decide(heard, HOLDER, known, deployment="test", now=heard.at)


def first() -> Notice:
    return decided(a_warning()).record


def test_the_first_warning_makes_the_record_and_its_event() -> None:
    step = decided(a_warning())
    assert isinstance(step, Create)
    record = step.record
    assert (record.array_id, record.rank, record.generation) == HOLDER
    assert (record.dies_at, record.sources) == (NOON + LEAD, (NoticeSource.EVENTS,))
    (event,) = record.outbox
    assert event.data == NoticeInterruption(
        rank=2, generation=1, instance_id=ID, action="terminate", until=NOON + LEAD
    )
    assert event.source == "/spawn/test/spot_watcher"


def test_a_repeat_is_no_news() -> None:
    step = decided(a_warning(at=NOON + timedelta(seconds=30)), first())
    assert isinstance(step, Repeat)
    assert step.record == first()


def test_the_other_source_adds_its_exact_instant_and_no_event() -> None:
    exact = NOON + timedelta(seconds=108)
    step = decided(a_warning(source=NoticeSource.METADATA, dies_at=exact), first())
    assert isinstance(step, Amend)
    assert step.record.sources == (NoticeSource.EVENTS, NoticeSource.METADATA)
    assert step.record.dies_at == exact
    assert step.record.outbox == first().outbox, "still to be said by whoever began it"


def test_an_event_that_comes_after_the_metadata_does_not_make_the_instant_less_exact() -> None:
    exact = NOON + timedelta(seconds=108)
    known = decided(a_warning(source=NoticeSource.METADATA, dies_at=exact)).record
    step = decided(a_warning(), known)
    assert isinstance(step, Amend)
    assert step.record.dies_at == exact


@pytest.mark.parametrize("action", [NoticeAction.STOP, NoticeAction.HIBERNATE])
def test_an_instance_that_runs_again_can_be_noticed_again(action: NoticeAction) -> None:
    known = decided(a_warning(action=action)).record
    again = NOON + LEAD + SAME_OCCASION + timedelta(seconds=1)
    step = decided(a_warning(action=action, at=again, dies_at=again + LEAD), known)
    assert isinstance(step, Renew)
    assert step.record.outbox[0].id != known.outbox[0].id
    assert step.record.version > known.version


def test_a_rebalance_and_planned_work_have_events_of_their_own() -> None:
    kinds = {
        NoticeKind.REBALANCE: NoticeRebalance(rank=2, generation=1, instance_id=ID),
        NoticeKind.MAINTENANCE: NoticeMaintenance(
            rank=2, generation=1, instance_id=ID, action="none", until=NOON, code="X"
        ),
    }
    for kind, data in kinds.items():
        until = None if kind is NoticeKind.REBALANCE else NOON
        heard = a_warning(kind=kind, action=NoticeAction.NONE, dies_at=until, code="X")
        assert decided(heard).record.outbox[0].data == data


def test_planned_work_that_is_put_off_has_its_new_instant() -> None:
    planned = a_warning(kind=NoticeKind.MAINTENANCE, action=NoticeAction.STOP)
    later = msgspec.structs.replace(planned, dies_at=NOON + timedelta(days=7))
    step = decided(later, decided(planned).record)
    assert isinstance(step, Amend)
    assert step.record.dies_at == NOON + timedelta(days=7)


def test_planned_work_never_hides_an_interruption() -> None:
    action = NoticeAction.TERMINATE
    keys = {notice_key(ID, kind, action) for kind in NoticeKind}
    assert len(keys) == 3
    assert notice_key(ID, NoticeKind.INTERRUPTION, action) == f"{ID}.terminate"


def test_two_actions_are_two_events() -> None:
    events = {decided(a_warning(action=action)).record.outbox[0].id for action in INTERRUPTIONS}
    assert len(events) == len(INTERRUPTIONS)


def test_machines_are_told_all_that_they_need() -> None:
    told = tell_of(first())
    assert told.what == "notice"
    assert told.notice is not None
    assert (told.notice.rank, told.notice.instance_id, told.notice.dies_at) == (2, ID, NOON + LEAD)


def test_an_event_is_published_again_only_while_the_bus_knows_it() -> None:
    assert may_be_missing(first(), NOON + timedelta(minutes=20))
    assert not may_be_missing(first(), NOON + timedelta(minutes=30))


def test_notices_of_the_past_are_forgotten_once_their_array_is_over() -> None:
    later = NOON + timedelta(hours=2)
    assert is_past(first(), later, is_over=True)
    assert not is_past(first(), later, is_over=False)
    assert not is_past(first(), NOON + timedelta(minutes=10), is_over=True)


@given(
    st.lists(
        st.builds(
            a_warning,
            action=st.sampled_from(INTERRUPTIONS[:1]),
            source=st.sampled_from(NoticeSource),
            at=st.integers(0, 3600).map(lambda s: NOON + timedelta(seconds=s)),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_however_often_it_is_said_there_is_one_event(said: list[Heard]) -> None:
    known: Notice | None = None
    events: set[str] = set()
    for heard in said:
        step = decided(heard, known)
        known = step.record
        events |= {event.id for event in known.outbox}
        assert known.sources == tuple(dict.fromkeys(known.sources))
    assert known is not None
    assert len(events) == 1
    assert set(known.sources) == {heard.source for heard in said}
