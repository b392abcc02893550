"""When successors may begin, and what becomes of the machines before them."""

from datetime import timedelta

import msgspec
import pytest

from services.launcher.model import End, Release, Write
from services.launcher.plan.drive import next_steps
from services.launcher.plan.filling import members_of
from services.launcher.plan.ladder import open_intent
from services.launcher.plan.replacement import (
    LINGER,
    STUCK,
    UNNAMED,
    may_start,
    succeed,
    tend_formers,
)
from services.launcher.plan.reports import note_report
from spawn.contracts.arrays import ArrayState
from spawn.contracts.checkpoints import TIMEOUT, OnRebalance
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Former, MemberState
from spawn.contracts.notices import NoticeAction, NoticeKind
from spawn.contracts.reports import JobExited
from tests.builders import (
    NOON,
    an_ending,
    an_instance,
    described,
)
from tests.services.launcher.plan.losing import (
    DIES_AT,
    SPEC,
    SPOT_B,
    a_case,
    a_former,
    a_notice,
    gone,
    serving,
    spot,
    with_state,
)


class TestSuccession:
    def test_a_successor_takes_the_rank_while_the_one_before_still_runs(self) -> None:
        array = succeed(a_case(serving(), spot(1), noticed=(a_notice(1),)), [spot(1)])
        intent = open_intent(array, array.chunks[0], SPOT_B, now=NOON).intents[0]
        made = [described(intent, 0, id=an_instance(8).id)]
        (member,) = members_of(array, intent, made, {1: spot(1)}, now=NOON)
        assert (member.rank, member.generation, member.instance.id) == (1, 1, an_instance(8).id)
        assert [each.instance.id for each in member.formers] == [an_instance(1).id]
        assert [event.name for event in member.outbox] == ["instance.launched", "member.replaced"]
        assert members_of(array, intent, made, {1: member}, now=NOON) == ()

    @pytest.mark.parametrize(
        ("former", "expected"),
        [
            pytest.param(a_former(), False, id="it runs"),
            pytest.param(a_former(job_over=True), True, id="it has said that its job is over"),
            pytest.param(with_state(InstanceState.SHUTTING_DOWN), False, id="it shuts down"),
            pytest.param(
                with_state(InstanceState.SHUTTING_DOWN, since=NOON - STUCK), True, id="for long"
            ),
            pytest.param(with_state(InstanceState.TERMINATED), True, id="it is gone"),
            pytest.param(with_state(InstanceState.STOPPED), False, id="it may be started again"),
        ],
    )
    def test_the_fence(self, former: Former, *, expected: bool) -> None:
        member = spot(1, generation=1, formers=(former,))
        assert may_start(member, NOON) is expected
        both = spot(1, generation=2, formers=(a_former(), former))
        assert not may_start(both, NOON)

    def test_a_machine_is_told_once_that_its_job_may_begin(self) -> None:
        member = spot(1, generation=1, formers=(a_former(job_over=True),))
        view = a_case(serving(), member, noticed=(a_notice(9),))
        assert [type(step) for step in tend_formers(view)] == [Release]
        told = msgspec.structs.replace(view, released=frozenset({member.instance.id}))
        assert list(tend_formers(told)) == []

    def test_the_end_of_a_job_for_a_notice_is_no_outcome(self) -> None:
        report = JobExited(generation=0, at=NOON, exit_code=143, interrupted=True)
        change = note_report(spot(1), report, serving(), now=NOON)
        assert change is not None
        assert (change.member.state, change.member.exit_code) == (MemberState.LOST, None)
        alone = note_report(
            spot(1), report, serving(spec=msgspec.structs.replace(SPEC, replace=False)), now=NOON
        )
        assert alone is not None
        assert (alone.member.state, alone.member.exit_code) == (MemberState.EXITED, 143)

    def test_a_former_machine_that_ends_its_job_for_a_notice_opens_the_fence(self) -> None:
        member = spot(1, generation=1, formers=(a_former(),))
        report = JobExited(generation=0, at=NOON, exit_code=143, interrupted=True)
        change = note_report(member, report, serving(), now=NOON)
        assert change is not None
        assert may_start(change.member, NOON)
        assert change.member.state is MemberState.RUNNING
        assert note_report(change.member, report, serving(), now=NOON) is None

    def test_a_former_machine_whose_job_ends_by_itself_leaves_nothing_to_do(self) -> None:
        member = spot(1, generation=1, formers=(a_former(),))
        report = JobExited(generation=0, at=NOON, exit_code=0)
        change = note_report(member, report, serving(), now=NOON)
        assert change is not None
        assert (change.member.state, change.member.exit_code) == (MemberState.EXITED, 0)
        assert not may_start(change.member, NOON)
        (step,) = tend_formers(a_case(serving(), change.member, noticed=(a_notice(9),)))
        assert isinstance(step, End)
        assert step.instance_ids == (change.member.instance.id,)


class TestTheOldMachine:
    @pytest.mark.parametrize(
        ("noticed", "former", "ends_after"),
        [
            pytest.param(True, a_former(), DIES_AT - NOON + LINGER, id="its notice names when"),
            pytest.param(
                True, a_former(job_over=True), DIES_AT - NOON + LINGER, id="though it is done"
            ),
            pytest.param(False, a_former(), UNNAMED + TIMEOUT + LINGER, id="nothing names when"),
            pytest.param(False, a_former(job_over=True), timedelta(0), id="it is done"),
        ],
    )
    def test_is_ended_when_nobody_else_does_it(
        self, former: Former, ends_after: timedelta, *, noticed: bool
    ) -> None:
        member = spot(1, generation=1, formers=(former,), facts=None)
        notices = (a_notice(9),) if noticed else ()
        before = a_case(serving(), member, noticed=notices, now=NOON + ends_after - LINGER / 2)
        after = msgspec.structs.replace(before, now=NOON + ends_after)
        if ends_after:
            assert list(tend_formers(before)) == []
        (step,) = tend_formers(after)
        assert isinstance(step, End)
        assert step.instance_ids == (former.instance.id,)

    def test_may_save_its_work_though_its_successor_came_long_after_the_notice(self) -> None:
        spec = msgspec.structs.replace(
            SPEC, on_rebalance=OnRebalance.REPLACE, checkpoint_timeout="10m"
        )
        likelier = a_notice(9, kind=NoticeKind.REBALANCE, action=NoticeAction.NONE, dies_at=None)
        came = NOON + timedelta(minutes=9)
        member = spot(1, generation=1, formers=(a_former(since=came),), facts=None)
        saving = a_case(
            serving(spec=spec), member, noticed=(likelier,), now=came + timedelta(minutes=10)
        )
        assert list(tend_formers(saving)) == []
        over = came + UNNAMED + timedelta(minutes=10) + LINGER
        (step,) = tend_formers(msgspec.structs.replace(saving, now=over))
        assert isinstance(step, End)

    def test_is_ended_with_its_array_which_is_over_only_then(self) -> None:
        array = serving(state=ArrayState.TERMINATING)
        ending = msgspec.structs.replace(array, ending=an_ending())
        member = gone(1, generation=1, formers=(a_former(),))
        (step,) = next_steps(a_case(ending, member))
        assert isinstance(step, End)
        assert step.instance_ids == (a_former().instance.id,)
        left = gone(1, generation=1, formers=(with_state(InstanceState.TERMINATED),))
        (step,) = next_steps(a_case(ending, left))
        assert isinstance(step, Write)
        assert step.array.state is ArrayState.TERMINATED
