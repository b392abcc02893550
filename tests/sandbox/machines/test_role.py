"""The credentials of a machine's role, over a day."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sandbox.machines.facts import Profile
from sandbox.machines.role import Roles
from sandbox.moto_server import MotoServer
from spawn.clock import SystemClock
from tests.fakes.clock import VirtualClock

ACCOUNT = "777788889999"
ROLE = Profile("", "", "worker", f"arn:aws:iam::{ACCOUNT}:role/spawn/worker")
FACTS: Any = SimpleNamespace(
    instance_id="i-0123456789abcdef0", account=ACCOUNT, region="us-east-1"
)


async def test_they_are_kept_and_renewed_well_before_they_end() -> None:
    moto, clock = MotoServer(), VirtualClock(SystemClock().now())
    roles = Roles(moto, clock)
    try:
        first = json.loads(await roles.credentials(FACTS, ROLE))
        clock.move(timedelta(hours=4, minutes=50))
        assert json.loads(await roles.credentials(FACTS, ROLE)) == first
        clock.move(timedelta(minutes=20))
        second = json.loads(await roles.credentials(FACTS, ROLE))
    finally:
        moto.close()
    assert second["AccessKeyId"] != first["AccessKeyId"]
    assert second["Token"] != first["Token"]
