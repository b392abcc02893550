"""One example of every message and record, which their golden bytes are made from."""

from datetime import timedelta
from pathlib import Path

import msgspec

from spawn.contracts import events as e
from spawn.contracts.arrays import (
    Array,
    ArrayState,
    Chunk,
    Ending,
    Intent,
    Placement,
    Succession,
)
from spawn.contracts.checkpoints import Checkpoint, CheckpointState
from spawn.contracts.grants import Grant
from spawn.contracts.hostnames import Host, Hostnames, RefusedName
from spawn.contracts.instances import RootVolume, RunInstances
from spawn.contracts.launches import without_texts
from spawn.contracts.lease_records import Idleness, LeaseRecord, LeaseState
from spawn.contracts.leases import LeaseAction
from spawn.contracts.members import Former, Member, MemberState
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind, NoticeSource
from spawn.contracts.pools import Market
from spawn.contracts.power import PowerTo, PowerWish
from tests.contracts.command_examples import COMMANDS
from tests.contracts.machine_examples import QUESTIONS, REPORTED
from tests.contracts.nouns import (
    ARRAY,
    BOOT,
    CALLS,
    DIGEST,
    FACTS,
    FIRST,
    INSTANCE,
    JOB,
    LEASE,
    NOON,
    PERMISSIONS,
    POOL,
    REFUSAL,
    SECOND,
    SPEC,
    TOKEN,
)

FORMER = msgspec.structs.replace(INSTANCE, id=SECOND)
GOLDEN = Path(__file__).parent / "golden"
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
        command=DIGEST,
        environment=DIGEST,
        checkpoint_script=DIGEST,
    ),
    e.ArrayRejected(
        request_id="request-1", name="training", code="name-taken", message="no", field="name"
    ),
    e.ArrayLaunching(
        pools=(POOL,), chunks=2, reason="8 instances", refusals=(REFUSAL,), expected_seconds=12.5
    ),
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
    e.NoticeMaintenance(
        rank=3,
        generation=0,
        instance_id=FIRST,
        action="stop",
        until=NOON,
        code="AWS_EC2_INSTANCE_STOP_SCHEDULED",
    ),
    e.CheckpointWarned(rank=3, generation=0, reason="s3://my-bucket/save.sh: 404"),
    e.CheckpointStarted(rank=3, generation=0, cause="interruption"),
    e.CheckpointFinished(
        rank=3, generation=0, seconds=41.5, cause="request", request_id="0123456789abcdef"
    ),
    e.CheckpointFailed(
        rank=3, generation=0, seconds=2.5, reason="exit code 1", cause="interruption"
    ),
    e.LeaseSet(lease=LEASE, reason="extended", request_id="request-2", before=NOON),
    e.LeaseRefused(request_id="request-2", code="past", message="no", field="until"),
    e.LeaseWarned(lease=LEASE, rank=3),
    e.LeaseIdled(lease=LEASE, reason="all quiet for 30m"),
    e.LeaseKept(lease=LEASE, reason="rank 3: CPU 40 %"),
    e.LeaseExpired(lease=LEASE),
    e.PowerAsked(request_id="request-3", to=PowerTo.HIBERNATED, ranks="0-7", reason="enough"),
    e.PowerRefused(request_id="request-3", code="launching", message="no", field="array_id"),
    e.PowerSettled(
        request_id="request-3",
        to=PowerTo.HIBERNATED,
        ranks="0-6",
        fell_back="3",
        left="7",
        reason="no room",
    ),
    e.GrantReady(grant="spawn-0123456789abcdef"),
    e.HostnameRegistered(names=("training.example.org", "training-3.example.org")),
    e.HostnameRemoved(names=("training.example.org",)),
    e.HostnameRefused(names=("training-7.example.org",), reason="another's record stands there"),
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


CHUNK = Chunk(number=1, ranks="3,6-7", attempt=2, partial=True, pool=POOL, generation=1)
ROOT = RootVolume(device="/dev/xvda", gib=24)
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
    hibernation=ROOT,
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
        spec=without_texts(SPEC),
        spec_hash="0" * 64,
        state=ArrayState.TERMINATING,
        accepted_at=NOON,
        lease=LEASE,
        version=5,
        user_data=DIGEST,
        command=DIGEST,
        environment=DIGEST,
        checkpoint_script=DIGEST,
        successions=(Succession(ranks="3", generation=1, at=NOON),),
        successions_made=1,
        placement=Placement(
            image_id="ami-0123456789abcdef0",
            pools=(POOL,),
            security_group_ids=("sg-1",),
            instance_profile="spawn-0123456789abcdef",
            boot=BOOT,
            hibernation=ROOT,
        ),
        chunks=(CHUNK,),
        intents=(Intent(chunk=CHUNK, pool=POOL, request=REQUEST, opened_at=NOON),),
        refusals=(REFUSAL,),
        ending=Ending(state=ArrayState.FAILED, reason="no", code="capacity", at=NOON),
        ready_at=NOON,
        reason="no",
        retag=True,
        powering=(
            PowerWish(to=PowerTo.STOPPED, ranks="3", request_id="request-3", reason="no", at=NOON),
        ),
        power_requests=("request-3",),
        rested_at=NOON,
        outbox=(an_event(EVENTS[3]),),
        published_until=NOON,
    ),
    "record.member": Member(
        array_id=ARRAY,
        rank=3,
        state=MemberState.EXITED,
        instance=INSTANCE,
        changed_at=NOON,
        generation=1,
        version=4,
        reason="over its time",
        facts=FACTS,
        hellos=2,
        starts=1,
        exit_code=137,
        restarts=1,
        lease=LEASE,
        retag=True,
        ending="its lease is over",
        checkpoint=Checkpoint(
            generation=1,
            state=CheckpointState.FAILED,
            at=NOON,
            seconds=2.5,
            reason="exit code 1",
        ),
        formers=(Former(instance=FORMER, generation=0, since=NOON, job_over=True),),
        surplus=True,
        outbox=(an_event(EVENTS[9]),),
    ),
    "record.job": JOB,
    "record.grant": Grant(
        hash="0" * 64,
        role="spawn-none",
        profile="spawn-none",
        path="/spawn/default/",
        ours=False,
        statements=("s3: reads objects",),
        permissions=PERMISSIONS,
        made_at=NOON,
        used_at=NOON,
    ),
    "record.hostnames": Hostnames(
        array_id=ARRAY,
        stem="train",
        base="example.org",
        size=8,
        changed_at=NOON,
        version=5,
        hosts=(Host(rank=3, address="10.0.0.7", generation=1),),
        grouped=True,
        leaving=(SECOND,),
        refused=(RefusedName(name="train-7.example.org", reason="another's record"),),
        outbox=(an_event(EVENTS[-2]),),
    ),
    "record.lease": LeaseRecord(
        array_id=ARRAY,
        lease=LEASE,
        deployment="default",
        state=LeaseState.EXPIRING,
        version=5,
        rank=3,
        own=(3,),
        warned=timedelta(minutes=1),
        warned_of_cost=True,
        requests=("request-2",),
        idle=Idleness(
            at=NOON, reason="all quiet", quiet_since=NOON, asked_at=NOON, counts_from=NOON
        ),
        outbox=(an_event(EVENTS[28]),),
    ),
    "record.notice": Notice(
        array_id=ARRAY,
        rank=3,
        generation=1,
        instance_id=FIRST,
        kind=NoticeKind.INTERRUPTION,
        action=NoticeAction.TERMINATE,
        noticed_at=NOON,
        dies_at=NOON + timedelta(minutes=2),
        sources=(NoticeSource.EVENTS, NoticeSource.METADATA),
        code="AWS_EC2_INSTANCE_STOP_SCHEDULED",
        version=2,
        outbox=(an_event(EVENTS[20]),),
    ),
}


def all_examples() -> dict[str, msgspec.Struct]:
    """Return every example by the name of its golden file."""
    told = {f"event.{e.event_name(type(data))}": data for data in EVENTS}
    return (
        told
        | RECORDS
        | COMMANDS
        | QUESTIONS
        | {f"report.{kind}": each for kind, each in REPORTED.items()}
    )
