from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.launcher.model import SetPower, Write
from services.launcher.plan.endings import end_stopped
from services.launcher.plan.observation import is_in_transition
from services.launcher.plan.power import ask, power_steps, wish_for
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.events import Data, PowerAsked, PowerSettled
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import LaunchSpec, digest
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.members import Member, MemberState
from spawn.contracts.pools import Market
from spawn.contracts.power import Power, PowerTo, PowerWish
from spawn.errors import Rejected
from tests.builders import ARRAY_ID, NOON, an_array, an_ending, an_instance, lost, running
from tests.services.launcher.plan.views import a_view

READY = an_array(state=ArrayState.READY, chunks=())
ALL_RUN = {rank: running(rank) for rank in range(4)}
HIBERNATES = LaunchSpec(name="training", region="us-east-1", hibernate=True)


def wanted(to: PowerTo = PowerTo.STOPPED, **changes: Any) -> Power:
    plain = Power(request_id="r-1", array_id=ARRAY_ID, to=to)
    return msgspec.structs.replace(plain, **changes)


def asked(array: Array = READY, members: dict[int, Member] | None = None, **said: Any) -> Array:
    return ask(array, wanted(**said), ALL_RUN if members is None else members, now=NOON)


def off(rank: int, *, reason: str = "") -> Member:
    return running(rank, instance=an_instance(rank, state=InstanceState.STOPPED, reason=reason))


def told(array: Array) -> list[Data]:
    return [event.data for event in array.outbox]


def test_without_ranks_all_machines_that_there_are_are_meant() -> None:
    after = asked(members={**ALL_RUN, 2: lost(2)}, reason="enough")
    (wish,) = after.powering
    assert (wish.to, wish.ranks, wish.reason) == (PowerTo.STOPPED, "0-1,3", "enough")
    assert told(after) == [
        PowerAsked(request_id="r-1", to=PowerTo.STOPPED, ranks="0-1,3", reason="enough")
    ]


def test_the_same_request_is_taken_once() -> None:
    after = asked()
    assert ask(after, wanted(), ALL_RUN, now=NOON) is after


def test_a_newer_request_takes_its_ranks_from_older_ones() -> None:
    both = asked(asked(ranks="0-2"), request_id="r-2", to=PowerTo.RUNNING, ranks="1-3")
    assert [(each.to, each.ranks) for each in both.powering] == [
        (PowerTo.STOPPED, "0"),
        (PowerTo.RUNNING, "1-3"),
    ]
    wishes = [wish_for(both, rank) for rank in range(4)]
    assert [each.request_id for each in wishes if each] == ["r-1", "r-2", "r-2", "r-2"]
    last = asked(both, request_id="r-3", ranks="0")
    settled = told(last)[0]
    assert isinstance(settled, PowerSettled)
    assert (settled.request_id, settled.left) == ("r-1", "0")


@pytest.mark.parametrize(
    ("array", "said", "code"),
    [
        pytest.param(an_array(), {}, "launching", id="it is being launched"),
        pytest.param(
            an_array(state=ArrayState.TERMINATING, ending=an_ending()), {}, "ending", id="it ends"
        ),
        pytest.param(READY, {"ranks": "4"}, "gone", id="a rank that there is not"),
        pytest.param(READY, {"to": PowerTo.HIBERNATED}, "not-prepared", id="not prepared"),
        pytest.param(
            msgspec.structs.replace(READY, lease=Lease(NOON)),
            {"to": PowerTo.RUNNING},
            "lease-over",
            id="started after its lease",
        ),
    ],
)
def test_what_can_not_be_is_refused_by_name(array: Array, said: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as refused:
        asked(array, **said)
    assert refused.value.code == code


def test_a_machine_without_disk_of_its_own_is_not_stopped() -> None:
    spot = an_instance(1, state=InstanceState.RUNNING, market=Market.SPOT)
    members = {**ALL_RUN, 1: running(1, instance=spot)}
    with pytest.raises(Rejected, match="ranks 1 are spot machines"):
        asked(members=members)
    assert asked(members=members, ranks="0").powering != ()
    assert asked(msgspec.structs.replace(READY, spec=HIBERNATES), members).powering != ()


def test_what_is_not_yet_so_is_asked_of_ec2_and_the_rest_is_waited_for() -> None:
    array = asked(ranks="0-3")
    booting = running(3, instance=an_instance(3, state=InstanceState.PENDING))
    view = a_view(
        array,
        [running(0), running(1), off(2), booting],
        powered=frozenset({(an_instance(1).id, PowerTo.STOPPED)}),
    )
    (step,) = power_steps(view)
    assert isinstance(step, SetPower)
    assert (step.instance_ids, step.to) == ((an_instance(0).id,), PowerTo.STOPPED)


def settled_by(array: Array, *members: Member, **view: Any) -> PowerSettled:
    (step,) = power_steps(a_view(array, members, **view))
    assert isinstance(step, Write)
    assert step.array.powering == ()
    (data,) = told(step.array)
    assert isinstance(data, PowerSettled)
    return data


def test_what_is_done_gone_or_refused_settles_a_wish() -> None:
    refused = {an_instance(2).id: ("it is protected", NOON)}
    said = settled_by(asked(), off(0), lost(1), running(2), off(3), unpowered=refused)
    assert (said.ranks, said.left, said.reason) == ("0,3", "1-2", "it is protected")


def test_a_refusal_of_before_the_wish_does_not_count() -> None:
    refused = {an_instance(0).id: ("no room", NOON - timedelta(seconds=1))}
    (step,) = power_steps(a_view(asked(ranks="0"), ALL_RUN.values(), unpowered=refused))
    assert isinstance(step, SetPower)


def test_what_fell_back_to_a_stop_is_told() -> None:
    array = asked(msgspec.structs.replace(READY, spec=HIBERNATES), to=PowerTo.HIBERNATED)
    slept = off(0, reason="Client.UserInitiatedHibernate")
    said = settled_by(array, slept, off(1), slept_too(2), off(3))
    assert (said.ranks, said.fell_back, said.left) == ("0-3", "1,3", "")


def slept_too(rank: int) -> Member:
    return off(rank, reason="Client.UserInitiatedHibernate")


def test_a_wish_for_ranks_without_machines_is_over() -> None:
    wish = PowerWish(to=PowerTo.STOPPED, ranks="7", request_id="r-1", reason="", at=NOON)
    said = settled_by(msgspec.structs.replace(READY, powering=(wish,)), running(0))
    assert (said.left, said.reason) == ("7", "their machines are gone")


def test_what_is_to_be_stopped_or_started_is_looked_at() -> None:
    array, later = asked(ranks="0"), NOON + timedelta(hours=1)
    assert is_in_transition(running(0), array, now=later)
    assert not is_in_transition(running(1), array, now=later)


def test_of_many_machines_some_are_asked_for_at_a_time() -> None:
    many = [running(rank) for rank in range(250)]
    array = an_array(250, state=ArrayState.READY, chunks=())
    wish = PowerWish(to=PowerTo.STOPPED, ranks="0-249", request_id="r-1", reason="", at=NOON)
    array = msgspec.structs.replace(array, powering=(wish,))
    (step,) = power_steps(a_view(array, many))
    assert isinstance(step, SetPower)
    assert len(step.instance_ids) == 100
    asked_for = frozenset((id_, PowerTo.STOPPED) for id_ in step.instance_ids)
    (rest,) = power_steps(a_view(array, many, powered=asked_for))
    assert isinstance(rest, SetPower)
    assert not set(rest.instance_ids) & set(step.instance_ids)


@pytest.mark.parametrize(
    ("reason", "action", "ends"),
    [
        ("Client.InstanceInitiatedShutdown", LeaseAction.TERMINATE, True),
        ("Client.InstanceInitiatedShutdown", LeaseAction.STOP, False),
        ("Client.UserInitiatedShutdown", LeaseAction.TERMINATE, False),
        ("Client.UserInitiatedHibernate", LeaseAction.TERMINATE, False),
    ],
)
def test_a_stop_that_was_asked_for_keeps_the_disk_though_the_job_ends_with_it(
    reason: str, action: LeaseAction, *, ends: bool
) -> None:
    lease = Lease(NOON + timedelta(hours=1), action)
    array = msgspec.structs.replace(READY, command=digest("true"), lease=lease)
    exited = msgspec.structs.replace(
        off(0, reason=reason), state=MemberState.EXITED, exit_code=143
    )
    assert bool(list(end_stopped(a_view(array, [exited])))) is ends
