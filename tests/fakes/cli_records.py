"""The records and events of which a launcher of tests makes its arrays."""

from datetime import UTC, datetime, timedelta

from spawn.contracts import events
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import InstanceId, array_id
from spawn.contracts.instances import Instance, InstanceState
from spawn.contracts.launches import Launch, digest, environment_text, without_texts
from spawn.contracts.leases import Lease
from spawn.contracts.pools import Market, Pool

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
POOL = Pool(Market.ON_DEMAND, "t3.medium", "us-east-1a", "subnet-0123abcd")
DEPLOYMENT = "tests"


def instance_of(rank: int, state: InstanceState = InstanceState.RUNNING) -> Instance:
    return Instance(
        id=InstanceId(f"i-{rank:017x}"),
        state=state,
        instance_type=POOL.instance_type,
        zone=POOL.zone,
        market=POOL.market,
        private_ip=f"10.0.0.{rank + 1}",
    )


def array_of(launch: Launch, *, state: ArrayState = ArrayState.ACCEPTED) -> Array:
    spec = launch.spec
    return Array(
        id=array_id(
            deployment=DEPLOYMENT, owner="cli", request_id=launch.request_id, name=spec.name
        ),
        name=spec.name,
        owner="cli",
        request_id=launch.request_id,
        deployment=DEPLOYMENT,
        region=spec.region,
        size=spec.count,
        min_count=spec.min_count or spec.count,
        spec=without_texts(spec),
        spec_hash="",
        state=state,
        accepted_at=NOON,
        lease=Lease(NOON + timedelta(hours=8)),
        user_data=digest(spec.user_data),
        command=digest(spec.command),
        environment=digest(environment_text(spec)),
        checkpoint_script=digest(spec.checkpoint_script),
    )


def accepted(array: Array) -> events.ArrayAccepted:
    return events.ArrayAccepted(
        name=array.name,
        owner=array.owner,
        request_id=array.request_id,
        region=array.region,
        size=array.size,
        min_count=array.min_count,
        lease=array.lease,
    )
