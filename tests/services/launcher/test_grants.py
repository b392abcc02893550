"""What machines may do: asked of the broker for each array, and waited for where EC2 is slow."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.launcher.apply.calls import PROPAGATION
from services.launcher.handlers.questions import on_plan
from spawn.aws.errors import outcome_of
from spawn.bus.ports import Request
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.grants import (
    API_DESCRIBE,
    API_ENSURE,
    Caution,
    GrantDescription,
    GrantRequest,
    Permissions,
)
from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import API_PLAN, LaunchPlan, LaunchSpec
from spawn.errors import Cause, Conflict, Outcome, Rejected
from tests.fakes.ec2 import REGION
from tests.services.launcher.model.plane import GRANT, Plane
from tests.services.launcher.model.power import Power

READING = Permissions(policies=("s3:ReadOnly:my-bucket",))
UNKNOWN = outcome_of(
    "InvalidParameterValue",
    "Value (spawn-none) for parameter iamInstanceProfile.name is invalid."
    " Invalid IAM Instance Profile name",
)
EMPTY = outcome_of(
    "InvalidParameterValue", "IAM Instance Profile spawn-none has no associated IAM Roles"
)


@pytest.fixture
def plane() -> Iterator[Plane]:
    made = Plane()
    yield made
    made.close()


def asked(plane: Plane) -> list[GrantRequest]:
    """Return what the broker was asked for."""
    return [body for _, body in plane.requests.asked if isinstance(body, GrantRequest)]


def test_an_array_has_the_grant_of_its_permissions(plane: Plane) -> None:
    plane.start("a")
    array_id = plane.launch(permissions=READING, strict=True)
    plane.run(60)
    (request,) = asked(plane)
    assert request == GrantRequest(
        policies=READING.policies, region=REGION, array_id=array_id, strict=True
    )
    (machine,) = plane.ec2.machines.values()
    assert machine.request.instance_profile == GRANT.profile


def record(plane: Plane, array_id: ArrayId) -> Array:
    found = plane.array(array_id)
    assert found is not None
    return found


@pytest.mark.parametrize("text", [UNKNOWN, EMPTY], ids=["unknown", "without its role"])
def test_a_profile_that_ec2_sees_late_makes_one_set_of_instances(
    plane: Plane, text: Outcome
) -> None:
    # Pauses of 0.2, 0.4, … 5 s, and 0.2 s for each call: some 35 s.
    plane.ec2.fail("RunInstances", *[text] * 10)
    plane.start("a")
    array_id = plane.launch(count=2, permissions=READING)
    plane.run(100)
    assert record(plane, array_id).state is ArrayState.READY
    assert len(plane.ec2.machines) == 2
    assert len({token for token, _ in plane.ec2.reservations()}) == 1
    assert [request.again for request in asked(plane)] == [False, True]


def test_a_profile_that_ec2_never_sees_ends_the_launch(plane: Plane) -> None:
    plane.ec2.fail("RunInstances", *[UNKNOWN] * 1000)
    plane.start("a")
    array_id = plane.launch(permissions=READING)
    plane.run(PROPAGATION.total_seconds() + 60)
    array = record(plane, array_id)
    assert array.state is ArrayState.FAILED
    assert "Invalid IAM Instance Profile" in array.reason
    assert plane.ec2.machines == {}


def test_without_a_broker_a_late_profile_is_waited_for_all_the_same(plane: Plane) -> None:
    plane.ec2.fail("RunInstances", *[UNKNOWN] * 10)
    plane.start("a")
    array_id = plane.launch(permissions=READING)
    plane.run(10)
    plane.requests.answers.clear()
    plane.run(60)
    assert record(plane, array_id).state is ArrayState.READY


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Rejected("role='x' is not allowed", field="role"), ArrayState.REJECTED),
        (
            Rejected("above the ceiling", field="policies", cause=Cause.PERMISSION),
            ArrayState.REJECTED,
        ),
        (
            Rejected("allow iam:CreateRole", code="AccessDenied", cause=Cause.PERMISSION),
            ArrayState.FAILED,
        ),
        (Conflict("role spawn-1 was not made for this", code="GrantMismatch"), ArrayState.FAILED),
    ],
    ids=[
        "not to be granted: rejected",
        "above the ceiling: rejected",
        "the broker may not: failed",
        "another's role in its place: failed",
    ],
)
def test_what_can_not_be_granted_is_not_launched(
    plane: Plane, outcome: Outcome, state: ArrayState
) -> None:
    plane.requests.answers[API_ENSURE] = outcome
    plane.start("a")
    array_id = plane.launch(permissions=READING)
    plane.run(30)
    array = record(plane, array_id)
    assert (array.state, array.reason) == (state, outcome.message)
    assert plane.ec2.machines == {}


def test_permissions_that_can_not_be_read_are_rejected_at_once(plane: Plane) -> None:
    plane.start("a")
    plane.launch(permissions=Permissions(policies=("s3:ReadOly",)))
    plane.run(5)
    (event,) = plane.bus.events
    assert event.name == "array.rejected"
    assert "did you mean ReadOnly?" in str(event.data)
    assert asked(plane) == []


def test_a_dry_run_says_what_machines_may_do_and_what_is_wide_about_it(plane: Plane) -> None:
    wide = Caution(code="RESOURCE_STAR", message="is not limited", where="s3:ReadOnly")
    plane.requests.answers[API_DESCRIBE] = GrantDescription(
        hash="0" * 64,
        role="spawn-1",
        profile="spawn-1",
        document="{}",
        size=2,
        limit=10_240,
        statements=("reads objects",),
        warnings=(wide,),
    )
    spec = LaunchSpec(name="web", region=REGION, permissions=READING)
    asking = plane.loop.create_task(
        on_plan(Request(body=spec, subject=API_PLAN), plane.world(Power(), "a"))
    )
    plane.run(10)
    plan: LaunchPlan = asking.result()
    assert (plan.permissions, plan.warnings) == (("reads objects",), (wide,))
    assert [each.again for each in asked(plane)] == [False]
    assert plan.lease.until - plane.clock.now() > timedelta(hours=1)
