"""What becomes of the records of members when their instances have been made."""

import msgspec
import pytest

from services.launcher.model import End
from services.launcher.plan.filling import members_of
from services.launcher.plan.ladder import open_intent
from services.launcher.plan.replacement import may_start, succeed, tend_formers
from spawn.contracts.arrays import Array, Intent
from spawn.contracts.instances import InstanceState
from spawn.contracts.members import Member, MemberState
from tests.builders import NOON, an_instance, described
from tests.services.launcher.plan.losing import SPOT_B, a_case, a_notice, serving, spot

NEW = an_instance(8).id
ENDED = spot(1, state=MemberState.EXITED, exit_code=3, restarts=2, reason="it failed")


def asked_for_a_successor() -> tuple[Array, Intent]:
    """Return an array that has asked for a successor of rank 1, and the call that does it."""
    array = succeed(a_case(serving(), spot(1), noticed=(a_notice(1),)), [spot(1)])
    opened = open_intent(array, array.chunks[0], SPOT_B, now=NOON)
    return opened, opened.intents[0]


def filled(holder: Member) -> Member:
    """Return the record of the successor that takes the rank of a holder."""
    array, intent = asked_for_a_successor()
    made = [described(intent, 0, id=NEW, state=InstanceState.RUNNING)]
    (member,) = members_of(array, intent, made, {1: holder}, now=NOON)
    return member


def test_a_job_that_ended_while_its_successor_was_made_keeps_its_end() -> None:
    member = filled(ENDED)
    assert (member.instance.id, member.generation) == (NEW, 1)
    assert (member.state, member.exit_code) == (MemberState.EXITED, 3)
    assert (member.restarts, member.reason) == (2, "it failed")
    assert [(each.instance.id, each.job_over) for each in member.formers] == [
        (ENDED.instance.id, True)
    ]


@pytest.mark.parametrize(
    ("holder", "is_surplus"),
    [
        pytest.param(ENDED, True, id="its job has ended: there is nothing left to do"),
        pytest.param(spot(1), False, id="its job runs: the successor is to go on with it"),
        pytest.param(spot(1, state=MemberState.LOST), False, id="it is lost: the same"),
    ],
)
def test_a_successor_without_a_job_never_begins_and_is_ended(
    holder: Member, *, is_surplus: bool
) -> None:
    member = filled(holder)
    gone = [
        msgspec.structs.replace(
            each, instance=msgspec.structs.replace(each.instance, state=InstanceState.TERMINATED)
        )
        for each in member.formers
    ]
    alone = msgspec.structs.replace(member, formers=tuple(gone))
    assert member.surplus is is_surplus
    assert may_start(alone, NOON) is not is_surplus
    ends = [step for step in tend_formers(a_case(serving(), alone)) if isinstance(step, End)]
    assert [step.instance_ids for step in ends] == ([(NEW,)] if is_surplus else [])
