"""Who gets in, and what a machine may say and hear."""

import pytest

from tests.services.iam_broker.conftest import Doors

pytestmark = pytest.mark.door


async def test_a_machine_speaks_for_itself(doors: Doors) -> None:
    member = await doors.add(1)
    token = await doors.prove(member.instance.id)
    async with doors.entered(token, member.instance.id) as (client, _):
        subject = f"spawn.agent.{member.array_id}.{member.instance.id}.hello"
        assert (await client.jetstream().publish(subject, b"{}")).stream == "SPAWN_AGENT"
