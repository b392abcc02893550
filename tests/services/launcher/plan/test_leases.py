from datetime import datetime, timedelta

import pytest

from services.launcher.plan.leases import LEASE_OVER, end_reason
from spawn.contracts.lease_records import Idleness, LeaseRecord
from spawn.contracts.leases import Lease
from tests.builders import ARRAY_ID, NOON

IDLE = Idleness(at=NOON, reason="idle for 30m: all quiet", quiet_since=NOON, asked_at=NOON)


@pytest.mark.parametrize(
    ("idle", "until", "why"),
    [
        pytest.param(None, NOON, LEASE_OVER, id="its time is over"),
        pytest.param(IDLE, NOON, "idle for 30m: all quiet", id="it was idle"),
        pytest.param(
            IDLE, NOON + timedelta(hours=1), LEASE_OVER, id="it was stopped, and its time is over"
        ),
        pytest.param(Idleness(at=NOON, reason="rank 0: CPU"), NOON, LEASE_OVER, id="it worked"),
    ],
)
def test_why_a_lease_is_over(idle: Idleness | None, until: datetime, why: str) -> None:
    lease = Lease(until=until)
    record = LeaseRecord(array_id=ARRAY_ID, lease=lease, deployment="test", idle=idle)
    assert end_reason(record) == why
