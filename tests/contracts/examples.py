"""One example of every message and record, which their golden bytes are made from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from spawn.contracts import events as e
from spawn.contracts.arrays import Array, ArrayState, Chunk, Ending, Intent, Placement
from spawn.contracts.ids import ArrayId, ClientToken, InstanceId
from spawn.contracts.instances import Instance, InstanceState, RunInstances
from spawn.contracts.launches import Digest, Launch, LaunchSpec, Terminate
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.members import Member, MemberState
from spawn.contracts.pools import Market, Pool, Refusal

GOLDEN = Path(__file__).parent / "golden"
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)

ARRAY = ArrayId("training-abcdefghijkl")
FIRST, SECOND = InstanceId("i-0123456789abcdef0"), InstanceId("i-0123456789abcdef1")
TOKEN = ClientToken("64c6e7077c1e92bc1069b20075fbf2efa2d4601f5c97f707aa79fe0734c4da21")
POOL = Pool(Market.SPOT, "g5.xlarge", "us-east-1a", "subnet-0123456789abcdef0")
REFUSAL = Refusal(POOL, "InsufficientInstanceCapacity", "the pool had 37 of 100", 100, 37)
LEASE = Lease(NOON + timedelta(hours=8), LeaseAction.TERMINATE)
DIGEST = Digest(5, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
CALLS = {"RunInstances": 1, "DescribeInstances": 3}
INSTANCE = Instance(
    id=FIRST,
    state=InstanceState.RUNNING,
    instance_type="g5.xlarge",
    zone="us-east-1a",
    market=Market.SPOT,
    image_id="ami-0123456789abcdef0",
    subnet_id="subnet-0123456789abcdef0",
    private_ip="10.0.0.7",
    public_ip="198.51.100.7",
    launched_at=NOON,
    reason="Server.SpotInstanceTermination",
)
SPEC = LaunchSpec(
    name="training",
    count=8,
    min_count=6,
    region="us-east-1",
    instance_types=("g5.xlarge", "g5.2xlarge"),
    zones=("us-east-1a",),
    ami="ami-0123456789abcdef0",
    subnets=("subnet-0123456789abcdef0",),
    security_groups=("sg-0123456789abcdef0",),
    ssh_cidr="203.0.113.0/24",
    key_name="mine",
    tags={"team": "vision"},
    ttl="90m",
    user_data="#!/bin/sh\necho hé\n",
)

EVENTS: tuple[e.Data, ...] = (
    e.ArrayAccepted(
        name="training",
        owner="cli",
        request_id="request-1",
        region="us-east-1",
        size=8,
        min_count=6,
        lease=LEASE,
        user_data=DIGEST,
    ),
    e.ArrayRejected(
        request_id="request-1", name="training", code="name-taken", message="no", field="name"
    ),
    e.ArrayLaunching(pools=(POOL,), chunks=2, reason="8 instances", refusals=(REFUSAL,)),
    e.ArrayReady(size=8, ready=7, seconds=2.5, api_calls=CALLS, refusals=(REFUSAL,)),
    e.ArrayDegraded(size=8, ready=6, ranks="3,6-7", reason="Server.SpotInstanceTermination"),
    e.ArrayFinished(succeeded=False, failed_ranks="3", exit_codes={"0": 7, "1": 1}),
    e.ArrayFailed(code="capacity", reason="no", refusals=(REFUSAL,), api_calls=CALLS),
    e.ArrayTerminated(reason="cli asked for it"),
    e.InstanceLaunched(rank=3, generation=0, instance=INSTANCE, reason="asked of a pool"),
    e.InstanceRunning(rank=3, generation=0, instance=INSTANCE),
    e.InstanceStopping(rank=3, generation=0, instance=INSTANCE),
    e.InstanceStopped(rank=3, generation=0, instance=INSTANCE),
    e.InstanceTerminated(rank=3, generation=0, instance=INSTANCE, reason="asked for"),
    e.MemberReady(rank=3, generation=0, instance_id=FIRST),
    e.MemberExited(rank=3, generation=0, exit_code=137),
    e.MemberReplaced(rank=3, generation=1, instance_id=SECOND, replaces=FIRST),
    e.NoticeInterruption(rank=3, generation=0, instance_id=FIRST, action="terminate", until=NOON),
    e.NoticeRebalance(rank=3, generation=0, instance_id=FIRST),
    e.CheckpointStarted(rank=3, generation=0, reason="interruption"),
    e.CheckpointFinished(rank=3, generation=0, seconds=41.5),
    e.CheckpointFailed(rank=3, generation=0, reason="exit code 1"),
    e.LeaseSet(lease=LEASE, reason="extended"),
    e.LeaseWarned(lease=LEASE, rank=3),
    e.LeaseExpired(lease=LEASE),
    e.GrantReady(grant="spawn-0123456789abcdef"),
    e.HostnameRegistered(names=("training.example.org", "training-3.example.org")),
    e.HostnameRemoved(names=("training.example.org",)),
)


def an_event(data: e.Data) -> e.Event:
    """Return the event that carries `data`, of a record's fifth version."""
    return e.Event(
        id=e.event_id(ARRAY, data, 5),
        array_id=ARRAY,
        source="/spawn/default/launcher",
        time=NOON,
        data=data,
    )


CHUNK = Chunk(number=1, ranks="3,6-7", attempt=2, partial=True, pool=POOL)
REQUEST = RunInstances(
    region="us-east-1",
    client_token=TOKEN,
    image_id="ami-0123456789abcdef0",
    instance_type="g5.xlarge",
    subnet_id="subnet-0123456789abcdef0",
    market=Market.SPOT,
    min_count=1,
    max_count=3,
    security_group_ids=("sg-0123456789abcdef0",),
    tags={"spawn:array-id": ARRAY},
    lease_action=LeaseAction.STOP,
    user_data="#!/bin/sh\n",
    key_name="mine",
    instance_profile="spawn-0123456789abcdef",
)

RECORDS: dict[str, msgspec.Struct] = {
    "record.array": Array(
        id=ARRAY,
        name="training",
        owner="cli",
        request_id="request-1",
        deployment="default",
        region="us-east-1",
        size=8,
        min_count=6,
        spec=msgspec.structs.replace(SPEC, user_data=""),
        spec_hash="0" * 64,
        state=ArrayState.TERMINATING,
        accepted_at=NOON,
        lease=LEASE,
        version=5,
        user_data=DIGEST,
        placement=Placement(
            image_id="ami-0123456789abcdef0", pools=(POOL,), security_group_ids=("sg-1",)
        ),
        chunks=(CHUNK,),
        intents=(Intent(chunk=CHUNK, pool=POOL, request=REQUEST, opened_at=NOON),),
        refusals=(REFUSAL,),
        ending=Ending(state=ArrayState.FAILED, reason="no", code="capacity", at=NOON),
        ready_at=NOON,
        reason="no",
        outbox=(an_event(EVENTS[3]),),
        published_until=NOON,
    ),
    "record.member": Member(
        array_id=ARRAY,
        rank=3,
        state=MemberState.RUNNING,
        instance=INSTANCE,
        changed_at=NOON,
        generation=1,
        version=4,
        reason="asked for",
        outbox=(an_event(EVENTS[9]),),
    ),
    "command.launch": Launch(request_id="request-1", spec=SPEC, not_after=NOON),
    "command.terminate": Terminate(array_id=ARRAY, reason="enough", not_after=NOON),
}


def all_examples() -> dict[str, msgspec.Struct]:
    """Return every example by the name of its golden file."""
    return {f"event.{e.event_name(type(data))}": data for data in EVENTS} | RECORDS
