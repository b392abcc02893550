"""`terminate` in the middle of a launch that AWS throttles."""

from typing import Any

import pytest

from spawn.contracts.arrays import ArrayState
from tests.faults import claims
from tests.faults.counting import DONE
from tests.faults.plant import Plant

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

SIZE = 1000
SLOW: dict[str, Any] = {
    "enabled": True,
    "rules": [{"api": "RunInstances", "requests": {"burst": 2, "per_second": 0.2}}],
}
WRITTEN = f"arrays.update terminating{DONE}"


@pytest.mark.parametrize("paced", [True, False], ids=["by our pacing", "by AWS"])
async def test_terminate_takes_effect_at_once(plant: Plant, *, paced: bool) -> None:
    plant.cloud.admin.post("throttle", SLOW)
    launcher = plant.start("a", aws_buckets="RunInstances=2/0.2" if paced else "")
    array_id = await plant.launch("t", SIZE)
    await plant.until(array_id, "instance.launched", count=150)
    await plant.terminate(array_id)
    await plant.until(array_id, "array.terminated")
    journal = launcher.journal()
    afterwards = journal[journal.index(WRITTEN) :]
    assert "ec2.run_instances" not in afterwards
    made = await claims.instances(plant, array=array_id)
    assert 150 <= len(made) < SIZE
    await claims.check_ended(plant, array_id, size=len(made), state=ArrayState.TERMINATED)
    await claims.check_tokens(plant, array_id)
