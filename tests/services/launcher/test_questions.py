"""A question changes nothing: what a launch would do is planned, and the cloud is left alone."""

import asyncio

import pytest

from services.launcher.handlers.questions import on_plan
from spawn.bus.ports import Request
from spawn.contracts.launches import API_PLAN, LaunchPlan, LaunchSpec
from spawn.errors import Cause, Rejected, Transient
from tests.fakes.ec2 import REGION
from tests.services.launcher.model.plane import Plane
from tests.services.launcher.model.power import Power


def test_a_dry_run_makes_no_security_group_and_opens_no_port() -> None:
    plane = Plane()
    try:
        assert plan(plane, ssh_cidr="203.0.113.0/24").size == 2
        assert plane.ec2.groups == {}
        plane.start("a")
        plane.launch(count=2, ssh_cidr="203.0.113.0/24")
        plane.run(60)
        assert sorted(map(sorted, plane.ec2.group_rules.values())) == [
            ["self"],
            ["self", "ssh 203.0.113.0/24"],
        ]
    finally:
        plane.close()


def test_a_dry_run_says_that_ec2_would_not_take_the_call() -> None:
    plane = Plane()
    try:
        denied = Rejected("allow the action ec2:RunInstances", cause=Cause.PERMISSION)
        plane.ec2.fail("RunInstances", denied)
        with pytest.raises(Rejected, match="allow the action"):
            plan(plane)
        plane.ec2.fail("RunInstances", *[Transient("slow down", cause=Cause.THROTTLED)] * 3)
        assert plan(plane).size == 2
        assert plane.ec2.machines == {}
    finally:
        plane.close()


def plan(plane: Plane, *, ssh_cidr: str = "") -> LaunchPlan:
    spec = LaunchSpec(name="web", region=REGION, count=2, ssh_cidr=ssh_cidr)
    world = plane.world(Power(), "a")
    request = Request(body=spec, subject=API_PLAN)
    return finish(plane, plane.loop.create_task(on_plan(request, world)))


def finish(plane: Plane, task: "asyncio.Task[LaunchPlan]") -> LaunchPlan:
    plane.run(10)
    return task.result()
