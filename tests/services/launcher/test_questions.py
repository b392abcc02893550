"""A question changes nothing: what a launch would do is planned, and the cloud is left alone."""

import asyncio

from services.launcher.handlers.questions import on_plan
from spawn.bus.ports import Request
from spawn.contracts.launches import API_PLAN, LaunchPlan, LaunchSpec
from tests.fakes.ec2 import REGION
from tests.services.launcher.model.plane import Plane
from tests.services.launcher.model.power import Power


def test_a_dry_run_makes_no_security_group_and_opens_no_port() -> None:
    plane = Plane()
    try:
        spec = LaunchSpec(name="web", region=REGION, count=2, ssh_cidr="203.0.113.0/24")
        world = plane.world(Power(), "a")
        asking = plane.loop.create_task(on_plan(Request(body=spec, subject=API_PLAN), world))
        plan: LaunchPlan = finish(plane, asking)
        assert plan.size == 2
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


def finish(plane: Plane, task: "asyncio.Task[LaunchPlan]") -> LaunchPlan:
    plane.run(10)
    return task.result()
