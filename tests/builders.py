"""Records as tests need them: a whole one by default, and what a case is about on top."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from spawn.contracts.arrays import Array, ArrayState, Chunk, Ending, Intent, Placement
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import Described, Instance, InstanceState
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member, MemberState
from spawn.contracts.pools import Market, Pool

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
ARRAY_ID = ArrayId("training-abcdefghijkl")
POOL_A = Pool(Market.ON_DEMAND, "m7i.large", "us-east-1a", "subnet-0000000a")
POOL_B = Pool(Market.ON_DEMAND, "m7i.large", "us-east-1b", "subnet-0000000b")
PLACEMENT = Placement(
    image_id="ami-00000001", pools=(POOL_A, POOL_B), security_group_ids=("sg-00000001",)
)


def an_array(size: int = 4, **changes: Any) -> Array:
    """Return an array that launches, all of whose ranks wait in one chunk."""
    array = Array(
        id=ARRAY_ID,
        name="training",
        owner="cli",
        request_id="request-1",
        deployment="test",
        region="us-east-1",
        size=size,
        min_count=size,
        spec=LaunchSpec(name="training", count=size, region="us-east-1"),
        spec_hash="0" * 64,
        state=ArrayState.LAUNCHING,
        accepted_at=NOON,
        lease=Lease(until=NOON + timedelta(hours=8)),
        placement=PLACEMENT,
        chunks=(a_chunk(f"0-{size - 1}" if size > 1 else "0"),),
    )
    return msgspec.structs.replace(array, **changes)


def a_chunk(ranks: str = "0-3", **changes: Any) -> Chunk:
    """Return a chunk that has not been asked for yet."""
    return msgspec.structs.replace(Chunk(number=0, ranks=ranks), **changes)


def an_ending(state: ArrayState = ArrayState.TERMINATED) -> Ending:
    """Return the ending of an array that somebody asked to end."""
    return Ending(state=state, reason="asked for", at=NOON)


def an_instance(number: int = 0, **changes: Any) -> Instance:
    """Return a pending instance; the number makes its id."""
    instance = Instance(
        id=InstanceId(f"i-{number:017x}"),
        state=InstanceState.PENDING,
        instance_type="m7i.large",
        zone="us-east-1a",
        market=Market.ON_DEMAND,
        private_ip=f"10.0.0.{number % 250}",
        launched_at=NOON,
    )
    return msgspec.structs.replace(instance, **changes)


def a_member(rank: int = 0, **changes: Any) -> Member:
    """Return a member whose instance was launched at noon."""
    member = Member(
        array_id=ARRAY_ID,
        rank=rank,
        state=MemberState.LAUNCHED,
        instance=an_instance(rank),
        changed_at=NOON,
    )
    return msgspec.structs.replace(member, **changes)


def running(rank: int = 0, **changes: Any) -> Member:
    """Return a member that runs."""
    instance = an_instance(rank, state=InstanceState.RUNNING)
    whole = {"state": MemberState.RUNNING, "instance": instance, **changes}
    return a_member(rank, **whole)


def lost(rank: int = 0, **changes: Any) -> Member:
    """Return a member whose instance went away unasked."""
    instance = an_instance(rank, state=InstanceState.TERMINATED)
    whole = {"state": MemberState.LOST, "instance": instance, "reason": "gone", **changes}
    return a_member(rank, **whole)


def described(intent: Intent, index: int, **changes: Any) -> Described:
    """Return what EC2 answers for one instance of an intent's call."""
    return Described(
        instance=an_instance(index, **changes),
        launch_index=index,
        client_token=intent.token,
        tags=dict(intent.request.tags),
    )
