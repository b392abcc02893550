"""What things cost is said at the end of a launch and in `status`, on a real bus."""

import json

import pytest

from spawn.contracts.prices import Estimate
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher

pytestmark = pytest.mark.door


async def test_a_launch_and_status_say_what_an_hour_costs(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.cost = Estimate(machines=2, spot=2, hourly_usd=0.3, on_demand_usd=1.0)
    said = "$/h 0.3000 (spot saves 70% of 1.0000 on demand)"
    assert await spawn("launch", "--name", "web", "--count", "2") == 0
    assert said in capsys.readouterr().out
    assert await spawn("status", "web") == 0
    assert said in capsys.readouterr().out
    assert await spawn("status", "web", "--json") == 0
    assert json.loads(capsys.readouterr().out)["cost"]["hourly_usd"] == 0.3
