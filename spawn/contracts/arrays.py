"""Arrays: what one launch creates, one record each, written by the launcher alone."""

from datetime import datetime
from enum import StrEnum

import msgspec

from spawn.contracts.checkpoints import OnInterruption
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, ClientToken
from spawn.contracts.instances import RootVolume, RunInstances
from spawn.contracts.launches import Digest, LaunchSpec, OnComplete
from spawn.contracts.leases import Lease
from spawn.contracts.pools import Pool, Refusal
from spawn.contracts.power import PowerWish

BUCKET = "spawn-arrays"
"""Key-value bucket: `<array>` of `Array`, `name.<name>` of `NameClaim`, `mark.deployment`."""

MARK_KEY = "mark.deployment"

FIRST_SUCCESSION = 1_000_000
"""The number of an array's first chunk of successors, above those of all that it began with."""


class ArrayState(StrEnum):
    """accepted -> launching -> ready <-> degraded -> finished -> terminating -> terminated.

    `failed` and `rejected` are terminal; `recovered` is an array adopted from its tags.
    """

    ACCEPTED = "accepted"
    LAUNCHING = "launching"
    READY = "ready"
    DEGRADED = "degraded"
    FINISHED = "finished"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    FAILED = "failed"
    REJECTED = "rejected"
    RECOVERED = "recovered"

    @property
    def is_over(self) -> bool:
        """Whether nothing of the array is left and its name is free."""
        return self in {ArrayState.TERMINATED, ArrayState.FAILED, ArrayState.REJECTED}


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Ranks, written as ranges, still to be placed by one RunInstances call.

    `partial` asks for as many as the pool has; otherwise the call is all or nothing. All members
    that it makes are of one `generation`, above those that their ranks have had. A chunk of
    successors is asked of the pools that were lost last, which `avoid` names, and of none that has
    `refused` it.
    """

    number: int
    ranks: str
    attempt: int = 0
    partial: bool = False
    pool: Pool | None = None
    generation: int = 0
    avoid: tuple[Pool, ...] = ()
    refused: tuple[Pool, ...] = ()

    @property
    def is_succession(self) -> bool:
        """Whether it is of successors."""
        return self.number >= FIRST_SUCCESSION


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """Ranks, as ranges, whose members of a `generation` had successors asked for `at`."""

    ranks: str
    generation: int
    at: datetime


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk written down before its call, with the complete request; open while it stands."""

    chunk: Chunk
    pool: Pool
    request: RunInstances
    opened_at: datetime

    @property
    def token(self) -> ClientToken:
        """The client token, which names the intent."""
        return self.request.client_token


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine needs to know before it can ask: where its agent and the bus are.

    `bus_fingerprint` is the SHA-256 of the bus's certificate, empty without TLS.
    """

    agent_url: str
    agent_sha256: str
    bus_url: str
    bus_fingerprint: str = ""


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where an array may be launched, looked up once: what the requests are made from.

    `hibernation` is the root volume of machines that can be hibernated.
    """

    image_id: str
    pools: tuple[Pool, ...]
    security_group_ids: tuple[str, ...]
    instance_profile: str = ""
    boot: Boot | None = None
    hibernation: RootVolume | None = None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Why an array is being ended, and the state that it then has."""

    state: ArrayState
    reason: str
    code: str = ""
    at: datetime


class Array(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One array. `spec` has its texts taken out; the digests say what they were.

    `retag` says that the tags of its instances may tell of an earlier lease. `powering` is what
    is still to be stopped or started, `power_requests` the newest requests for it, so that each
    is done once; `rested_at` is the end of the lease at which all that ran was asked to stop,
    where that is what its end means. `successions` are those of the last hour, and
    `successions_made` counts all chunks of successors.
    `outbox` holds events that this record's last write caused and that may not be published
    yet; every event of its members older than `published_until` is published.
    """

    id: ArrayId
    name: str
    owner: str
    request_id: str
    deployment: str
    region: str
    size: int
    min_count: int
    spec: LaunchSpec
    spec_hash: str
    state: ArrayState
    accepted_at: datetime
    lease: Lease
    version: int = 1
    user_data: Digest | None = None
    command: Digest | None = None
    environment: Digest | None = None
    checkpoint_script: Digest | None = None
    placement: Placement | None = None
    chunks: tuple[Chunk, ...] = ()
    intents: tuple[Intent, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    ending: Ending | None = None
    ready_at: datetime | None = None
    reason: str = ""
    retag: bool = False
    powering: tuple[PowerWish, ...] = ()
    power_requests: tuple[str, ...] = ()
    rested_at: datetime | None = None
    successions: tuple[Succession, ...] = ()
    successions_made: int = 0
    outbox: tuple[Event, ...] = ()
    published_until: datetime | None = None

    @property
    def has_job(self) -> bool:
        """Whether its machines have something to run, whose exit is the array's outcome."""
        return self.command is not None or self.user_data is not None

    @property
    def on_complete(self) -> OnComplete:
        """What its machines do once their job has ended."""
        default = OnComplete.TERMINATE if self.command else OnComplete.NONE
        return self.spec.on_complete or default

    @property
    def on_interruption(self) -> OnInterruption:
        """What an interruption means for its machines."""
        scripted = self.checkpoint_script is not None
        default = OnInterruption.CHECKPOINT if scripted else OnInterruption.TERMINATE
        return self.spec.on_interruption or default

    @property
    def replaces(self) -> bool:
        """Whether members that the spot market takes away are replaced.

        By default those are that make a checkpoint, for their work goes on where it was.
        """
        saves = self.spec.uses_spot and self.on_interruption is OnInterruption.CHECKPOINT
        wanted = saves if self.spec.replace is None else self.spec.replace
        return wanted or self.spec.maintain


class NameClaim(msgspec.Struct, frozen=True):
    """Who holds a name."""

    array_id: ArrayId
    claimed_at: datetime


class DeploymentMark(msgspec.Struct, frozen=True):
    """Says that a bucket's records are those of this deployment, adoption included."""

    deployment: str
    region: str = ""


def name_key(name: str) -> str:
    """Return the key of a name's claim."""
    return f"name.{name}"
