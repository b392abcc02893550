"""What a launch is answered with when this control plane can't do it."""

from typing import Any

import msgspec
import pytest

from services.launcher.handlers.commands import on_buried_launch, on_launch
from services.launcher.handlers.questions import on_plan
from spawn.bus.ports import Buried, Command, Request
from spawn.contracts.events import ArrayRejected
from spawn.contracts.launches import API_PLAN, SUBJECT_LAUNCH, Launch, LaunchSpec, WaitFor
from spawn.errors import Rejected
from tests.builders import NOON
from tests.fakes.ec2 import REGION
from tests.services.launcher.worlds import Fakes

SPEC = LaunchSpec(name="web", region=REGION)
NEEDS_AGENT = [
    pytest.param({"command": "true"}, "command", id="a command"),
    pytest.param({"user_data": "#!/bin/sh\n"}, "user_data", id="a boot script"),
    pytest.param({"wait_for": WaitFor.AGENT}, "wait_for", id="waiting for agents"),
]


def launch(**changes: Any) -> Command[Launch]:
    spec = msgspec.structs.replace(SPEC, **changes)
    return Command(
        body=Launch(request_id="r1", spec=spec),
        subject=SUBJECT_LAUNCH,
        owner="cli",
        message_id="m1",
        delivered=1,
        sent_at=NOON,
    )


@pytest.mark.parametrize(("changes", "field"), NEEDS_AGENT)
async def test_what_needs_an_agent_is_rejected_where_there_is_none(
    changes: dict[str, Any], field: str
) -> None:
    fakes = Fakes()
    await on_launch(launch(**changes), fakes.world(agent=None))
    (said,) = [event.data for event in fakes.bus.events]
    assert isinstance(said, ArrayRejected)
    assert (said.field, said.code) == (field, "no-agent")
    assert "SPAWN_AGENT_FILE" in said.message


@pytest.mark.parametrize(("changes", "field"), NEEDS_AGENT)
async def test_its_plan_is_rejected_the_same(changes: dict[str, Any], field: str) -> None:
    request = Request(body=msgspec.structs.replace(SPEC, **changes), subject=API_PLAN)
    with pytest.raises(Rejected) as refusal:
        await on_plan(request, Fakes().world(agent=None))
    assert refusal.value.field == field


async def test_who_sent_a_launch_that_crashes_the_launcher_is_told() -> None:
    fakes, sent = Fakes(), launch()
    buried = Buried(
        subject=SUBJECT_LAUNCH,
        owner="cli",
        body=msgspec.json.encode(sent.body),
        message_id="m1",
        rejection=Rejected("failed 5 times, at last with KeyError", code="error"),
    )
    await on_buried_launch(buried, fakes.world())
    (said,) = [event.data for event in fakes.bus.events]
    assert isinstance(said, ArrayRejected)
    assert (said.request_id, said.name, said.array_lives) == ("r1", "web", False)
    assert "failed 5 times, at last with KeyError" in said.message


async def test_machines_that_run_nothing_need_no_agent() -> None:
    fakes = Fakes()
    await on_launch(launch(), fakes.world(agent=None))
    assert [event.name for event in fakes.bus.events] == ["array.accepted"]
