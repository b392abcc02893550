"""Arrays: what one launch creates, one record each, written by the launcher alone."""

from datetime import datetime
from enum import StrEnum

import msgspec

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
    that it makes are of one `generation`, above those that their ranks have had.
    """

    number: int
    ranks: str
    attempt: int = 0
    partial: bool = False
    pool: Pool | None = None
    generation: int = 0


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
    where that is what its end means.
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
