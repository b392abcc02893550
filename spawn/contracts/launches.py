"""Launch and terminate: the commands, and what a launch may say."""

import hashlib
from datetime import datetime, timedelta

import msgspec

from spawn.contracts.checkpoints import (
    CheckpointPlan,
    CheckpointSignal,
    OnInterruption,
    OnRebalance,
)
from spawn.contracts.choices import (
    AddressKind,
    EnvCompat,
    IdleScope,
    OnComplete,
    OnMemberFailure,
    WaitFor,
)
from spawn.contracts.grants import Caution, Permissions
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.leases import Lease, LeaseAction
from spawn.contracts.pools import Allocation, Pool
from spawn.contracts.prices import Estimate, UnknownCost

SUBJECT_LAUNCH = "spawn.cmd.launcher.launch"
SUBJECT_TERMINATE = "spawn.cmd.launcher.terminate"

API_PLAN = "spawn.api.launcher.plan"
API_COLLECT = "spawn.api.launcher.collect"

SPECS_BUCKET = "spawn-specs"
"""Key-value bucket of `JobSpec`, keyed `<array>`; readable by the launcher alone."""

LOCAL_OWNER = "cli"
"""The owner of commands whose subject names none: the one user of an embedded bus."""

NOT_AFTER = timedelta(minutes=10)
"""How long a command that nobody has taken stays wanted."""

LARGEST_JOB = 512 * 1024
"""Bytes of user-data (and later command, script and environment) that travel over the bus."""


class LaunchSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a launch asks for. Empty means: let the launcher choose.

    `ttl` is a duration as people write it, and `no_ttl` wants none, where that is allowed;
    `instance_types` are in order of preference; `min_count` of 0 means all of `count`;
    `command` is a line for the login user's shell;
    `max_runtime` is a duration, counted from the start of the job; `retries` are of the command
    on the same machine; no `on_complete` means terminate when there is a command, else none.
    `permissions` are those of every machine; `strict` rejects what they would be warned of;
    `dns` is what the machines' names begin with in place of `name`. After `idle_timeout`, a
    duration, without any work `idle_action` is taken on what `idle_scope` says. `on_expire` is
    what the end of the lease means; `hibernate` makes machines that can be hibernated. `spot` asks
    for spot capacity,
    `spot_count` for that many spot members and the rest on demand; `spot_max_price` is in US
    dollars for one machine and hour, the on-demand price if left out; `spot_fallback` takes
    on-demand capacity where no pool has spot. No `on_interruption` means a checkpoint when there
    is a `checkpoint_script` (a text, or where it is fetched from), else what the cloud does;
    `checkpoint_strict` fails a member whose script can't be had. `replace` has the members that
    the spot market takes away replaced, by default those with a checkpoint; `maintain` has all
    that are lost. `max_cost`, in US dollars for all machines and their time, shortens the lease.
    """

    name: str
    count: int = 1
    min_count: int = 0
    region: str = ""
    instance_types: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    ami: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    ssh_cidr: str = ""
    key_name: str = ""
    tags: dict[str, str] = {}
    ttl: str = ""
    no_ttl: bool = False
    user_data: str = ""
    command: str = ""
    environment: dict[str, str] = {}
    env_compat: tuple[EnvCompat, ...] = ()
    login_user: str = ""
    wait_for: WaitFor = WaitFor.RUNNING
    on_complete: OnComplete | None = None
    on_member_failure: OnMemberFailure = OnMemberFailure.CONTINUE
    max_runtime: str = ""
    retries: int = 0
    peer_ssh: bool = True
    permissions: Permissions = Permissions()
    strict: bool = False
    dns: str = ""
    dns_address: AddressKind | None = None
    idle_timeout: str = ""
    idle_action: LeaseAction = LeaseAction.TERMINATE
    idle_scope: IdleScope = IdleScope.ARRAY
    on_expire: LeaseAction = LeaseAction.TERMINATE
    hibernate: bool = False
    spot: bool = False
    spot_count: int = 0
    spot_max_price: float | None = None
    spot_fallback: bool = False
    allocation: Allocation = Allocation.PRIORITIZED
    on_interruption: OnInterruption | None = None
    on_rebalance: OnRebalance = OnRebalance.IGNORE
    checkpoint_script: str = ""
    checkpoint_timeout: str = ""
    checkpoint_signal: CheckpointSignal = CheckpointSignal.LAST
    checkpoint_uri: str = ""
    checkpoint_strict: bool = False
    replace: bool | None = None
    maintain: bool = False
    max_cost: float | None = None
    max_cost_unknown: UnknownCost = UnknownCost.REFUSE

    @property
    def stays(self) -> bool:
        """Whether EC2 may ever stop its machines, and not only end them."""
        actions = {self.on_expire, self.idle_action} - {LeaseAction.TERMINATE}
        interrupted = self.on_interruption in {OnInterruption.STOP, OnInterruption.HIBERNATE}
        wanted = self.hibernate or bool(actions) or self.on_complete is OnComplete.STOP
        return wanted or interrupted

    @property
    def hibernates(self) -> bool:
        """Whether its machines are to be such that they can be hibernated."""
        wanted = LeaseAction.HIBERNATE in {self.on_expire, self.idle_action}
        return self.hibernate or wanted or self.on_interruption is OnInterruption.HIBERNATE

    @property
    def spot_size(self) -> int:
        """How many members are asked of the spot market: the last ranks, so that 0 is the last."""
        return self.spot_count or (self.count if self.spot else 0)

    @property
    def uses_spot(self) -> bool:
        """Whether any member is asked of the spot market."""
        return self.spot_size > 0


class Launch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to make an array; the same `request_id` is the same array."""

    request_id: str
    spec: LaunchSpec
    not_after: datetime | None = None


class Terminate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command to end an array and all its instances; without `not_after` it never expires."""

    array_id: ArrayId
    reason: str = ""
    not_after: datetime | None = None


class JobSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What the machines of an array are to run; deleted with the array.

    `user_data` is the boot script, run once as root; `max_runtime` in seconds, 0 for no limit.
    """

    user_data: str = ""
    command: str = ""
    environment: dict[str, str] = {}
    env_compat: tuple[EnvCompat, ...] = ()
    login_user: str = ""
    on_complete: OnComplete = OnComplete.NONE
    max_runtime: int = 0
    retries: int = 0
    peer_ssh: bool = True
    checkpoint: CheckpointPlan = CheckpointPlan()


class Digest(msgspec.Struct, frozen=True):
    """The size in bytes and the SHA-256 of a text that records and events never carry."""

    size: int
    sha256: str


def digest(text: str) -> Digest | None:
    """Return what records and events may say of a text; None of an empty one."""
    raw = text.encode()
    return Digest(len(raw), hashlib.sha256(raw).hexdigest()) if raw else None


def environment_text(spec: LaunchSpec) -> str:
    """Return the environment as one text, whose digest tells whether it is the same."""
    pairs = sorted(spec.environment.items())
    return msgspec.json.encode(pairs).decode() if pairs else ""


TEXTS = ("user_data", "command", "environment", "checkpoint_script")
"""Fields of a spec that may hold secrets: they stand in no record, event, log or dead letter."""


def without_texts(spec: LaunchSpec) -> LaunchSpec:
    """Return a spec as records may hold it: of the script, what it needs permission for."""
    script = spec.checkpoint_script
    kept = script if script.startswith("s3://") else ""
    return msgspec.structs.replace(
        spec, user_data="", command="", environment={}, checkpoint_script=kept
    )


class PlannedChunk(msgspec.Struct, frozen=True, kw_only=True):
    """One RunInstances call that a launch would begin with."""

    ranks: str
    pool: Pool


class LaunchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a launch would do: the answer of `spawn.api.launcher.plan`.

    `pools` are in the order in which they are tried; `calls` counts AWS calls by API when the
    first pool has room, and `expected_seconds` is how long they take at the rate that EC2 allows;
    `hourly_usd` is absent where no price is known, and `cost` says more of it; `permissions` say
    in words what machines may do in AWS.
    """

    name: str
    size: int
    min_count: int
    region: str
    image_id: str
    pools: tuple[Pool, ...]
    chunks: tuple[PlannedChunk, ...]
    calls: dict[str, int]
    user_data_bytes: int
    lease: Lease
    hourly_usd: float | None = None
    cost: Estimate | None = None
    expected_seconds: float = 0.0
    permissions: tuple[str, ...] = ()
    warnings: tuple[Caution, ...] = ()


class CollectRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for the orphan sweep at once; with `dry_run` it only says what it would do."""

    dry_run: bool = True


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An instance of this deployment that no living array accounts for, and what becomes of it.

    `verdict` is one of `end`, `adopt`, `leave`.
    """

    instance_id: InstanceId
    region: str
    array_id: str
    verdict: str
    reason: str


class CollectReport(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `spawn.api.launcher.collect`; `acted` is whether verdicts were carried out."""

    findings: tuple[Finding, ...]
    acted: bool
