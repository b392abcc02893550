"""Records without moto."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sandbox.ec2.records import InstanceId, Pool, Record, ReservationId

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def record(number: int = 1, **changes: Any) -> Record:
    group = SimpleNamespace(id="sg-1", name="default")
    model = SimpleNamespace(
        image_id="ami-1",
        instance_type="t3.micro",
        private_ip="10.0.0.5",
        key_name=None,
        subnet_id="subnet-1",
        security_groups=[group],
        iam_instance_profile={"Arn": "arn:aws:iam::1:instance-profile/p"},
        ami_launch_index=number,
        source_dest_check=True,
        nics={},
    )
    values: dict[str, Any] = {
        "model": model,
        "id": InstanceId(f"i-{number:017x}"),
        "number": number,
        "reservation": ReservationId("r-1"),
        "pool": Pool("on-demand", "t3.micro", "us-east-1a"),
        "launched_at": NOON,
        "visible_from": 0.0,
        "vpc_id": "vpc-1",
    }
    return Record(**{**values, **changes})
