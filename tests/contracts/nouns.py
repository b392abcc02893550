"""The nouns that examples of messages and records are made of."""

from datetime import UTC, datetime, timedelta

from spawn.contracts.arrays import Boot
from spawn.contracts.checkpoints import (
    CheckpointPlan,
    CheckpointSignal,
    OnInterruption,
    OnRebalance,
)
from spawn.contracts.grants import Permissions
from spawn.contracts.ids import ArrayId, ClientToken, InstanceId
from spawn.contracts.instances import Instance, InstanceState
from spawn.contracts.launches import (
    AddressKind,
    Digest,
    EnvCompat,
    IdleScope,
    JobSpec,
    LaunchSpec,
    OnComplete,
    OnMemberFailure,
    WaitFor,
)
from spawn.contracts.leases import Budget, Lease, LeaseAction
from spawn.contracts.members import Facts
from spawn.contracts.pools import Allocation, Market, Pool, Refusal
from spawn.contracts.prices import UnknownCost

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)

ARRAY = ArrayId("training-abcdefghijkl")
FIRST, SECOND = InstanceId("i-0123456789abcdef0"), InstanceId("i-0123456789abcdef1")
TOKEN = ClientToken("64c6e7077c1e92bc1069b20075fbf2efa2d4601f5c97f707aa79fe0734c4da21")
POOL = Pool(Market.SPOT, "g5.xlarge", "us-east-1a", "subnet-0123456789abcdef0")
REFUSAL = Refusal(POOL, "InsufficientInstanceCapacity", "the pool had 37 of 100", 100, 37)
BUDGET = Budget(usd=40.0, begins=NOON, spent_at=NOON + timedelta(hours=10))
LEASE = Lease(NOON + timedelta(hours=8), LeaseAction.TERMINATE, BUDGET)
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
    ipv6_address="2001:db8::7",
    launched_at=NOON,
    reason="Server.SpotInstanceTermination",
)
PERMISSIONS = Permissions(
    policies=("s3:ReadOnly:my-bucket/in/*",),
    managed=("AmazonSSMReadOnlyAccess",),
    role="science",
    documents=('{"Version":"2012-10-17","Statement":[]}',),
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
    command="python train.py --rank $JOB_ARRAY_INDEX",
    environment={"WORDS": "it's $(not) run\n"},
    env_compat=(EnvCompat.SLURM, EnvCompat.TORCH),
    login_user="ubuntu",
    wait_for=WaitFor.AGENT,
    on_complete=OnComplete.STOP,
    on_member_failure=OnMemberFailure.FAIL_ARRAY,
    max_runtime="4h",
    retries=2,
    peer_ssh=False,
    permissions=PERMISSIONS,
    strict=True,
    dns="train",
    dns_address=AddressKind.PUBLIC,
    idle_timeout="30m",
    idle_action=LeaseAction.STOP,
    idle_scope=IdleScope.MEMBER,
    on_expire=LeaseAction.HIBERNATE,
    hibernate=True,
    spot=True,
    spot_count=6,
    spot_max_price=0.45,
    spot_fallback=True,
    allocation=Allocation.CAPACITY,
    replace=True,
    maintain=True,
    max_cost=40.0,
    max_cost_unknown=UnknownCost.ALLOW,
    on_interruption=OnInterruption.CHECKPOINT,
    on_rebalance=OnRebalance.CHECKPOINT,
    checkpoint_script="s3://my-bucket/save.sh",
    checkpoint_timeout="80s",
    checkpoint_signal=CheckpointSignal.FIRST,
    checkpoint_uri="s3://my-bucket/runs",
    checkpoint_strict=True,
)
JOB = JobSpec(
    user_data=SPEC.user_data,
    command=SPEC.command,
    environment=SPEC.environment,
    env_compat=SPEC.env_compat,
    login_user="ubuntu",
    on_complete=OnComplete.STOP,
    max_runtime=14_400,
    retries=2,
    peer_ssh=False,
    checkpoint=CheckpointPlan(
        on_interruption=OnInterruption.CHECKPOINT,
        on_rebalance=OnRebalance.CHECKPOINT,
        script=SPEC.checkpoint_script,
        timeout_seconds=80,
        signal=CheckpointSignal.FIRST,
        uri=SPEC.checkpoint_uri,
        strict=True,
    ),
)
FACTS = Facts(
    hostname="ip-10-0-0-7.ec2.internal",
    slots=4,
    host_key="ssh-ed25519 AAAAhost",
    user_key="ssh-ed25519 AAAAuser",
)
BOOT = Boot(
    agent_url="https://bucket.s3.amazonaws.com/agent/x.pyz?X-Amz-Signature=0",
    agent_sha256="a" * 64,
    bus_url="tls://bus.example.org:4222",
    bus_fingerprint="f" * 64,
)
