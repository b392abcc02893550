"""Events: facts in the past tense, published once their record is written.

Subject: `spawn.evt.<array>.<noun>.<verb>` in stream `SPAWN_EVENTS`; CloudEvents 1.0, binary mode.
The data of each event is one Struct here, whose tag is `<noun>.<verb>`.
"""

from datetime import datetime

import msgspec

from spawn.contracts.checkpoint_events import (
    CheckpointFailed,
    CheckpointFinished,
    CheckpointStarted,
    CheckpointWarned,
)
from spawn.contracts.event_kinds import EventData, MemberEvent, event_name
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import Instance
from spawn.contracts.launches import Digest
from spawn.contracts.lease_events import (
    LeaseExpired,
    LeaseIdled,
    LeaseKept,
    LeaseRefused,
    LeaseSet,
    LeaseWarned,
)
from spawn.contracts.leases import Lease
from spawn.contracts.notice_events import (
    NoticeInterruption,
    NoticeMaintenance,
    NoticeRebalance,
)
from spawn.contracts.pools import Pool, Refusal
from spawn.contracts.power_events import PowerAsked, PowerRefused, PowerSettled

STREAM = "SPAWN_EVENTS"
SUBJECTS = "spawn.evt.>"


class ArrayAccepted(EventData, frozen=True, kw_only=True, tag="array.accepted"):
    """The array's record exists: the launch goes on whatever happens to its sender."""

    name: str
    owner: str
    request_id: str
    region: str
    size: int
    min_count: int
    lease: Lease
    user_data: Digest | None = None
    command: Digest | None = None
    environment: Digest | None = None
    checkpoint_script: Digest | None = None


class ArrayRejected(EventData, frozen=True, kw_only=True, tag="array.rejected"):
    """A launch was refused. With `array_lives` an array of this id goes on, untouched by it."""

    request_id: str
    name: str
    code: str
    message: str
    field: str = ""
    array_lives: bool = False


class ArrayLaunching(EventData, frozen=True, kw_only=True, tag="array.launching"):
    """These pools are asked in this order, for `expected_seconds` or more by EC2's own rate."""

    pools: tuple[Pool, ...]
    chunks: int
    reason: str
    refusals: tuple[Refusal, ...] = ()
    expected_seconds: float = 0.0


class ArrayReady(EventData, frozen=True, kw_only=True, tag="array.ready"):
    """All that the launch policy wants run, `seconds` after acceptance, by so many `api_calls`."""

    size: int
    ready: int
    seconds: float
    api_calls: dict[str, int] = {}  # noqa: RUF012 - msgspec makes a new one each time
    refusals: tuple[Refusal, ...] = ()


class ArrayDegraded(EventData, frozen=True, kw_only=True, tag="array.degraded"):
    """Members were lost after the array was ready; `ranks` says which, as ranges."""

    size: int
    ready: int
    ranks: str
    reason: str


class ArrayFinished(EventData, frozen=True, kw_only=True, tag="array.finished"):
    """The job has ended: on every member, or at the first failure where that ends it."""

    succeeded: bool
    failed_ranks: str = ""
    exit_codes: dict[str, int] = {}  # noqa: RUF012 - msgspec makes a new one each time


class ArrayFailed(EventData, frozen=True, kw_only=True, tag="array.failed"):
    """The launch could not be done; everything that it made has been ended, confirmed by EC2."""

    code: str
    reason: str
    refusals: tuple[Refusal, ...] = ()
    api_calls: dict[str, int] = {}  # noqa: RUF012 - msgspec makes a new one each time


class ArrayTerminated(EventData, frozen=True, kw_only=True, tag="array.terminated"):
    """Every instance of the array is gone, confirmed by EC2."""

    reason: str


class InstanceEvent(MemberEvent, frozen=True, kw_only=True):
    """Base of what is said of one member's instance."""

    instance: Instance
    reason: str = ""


class InstanceLaunched(InstanceEvent, frozen=True, kw_only=True, tag="instance.launched"):
    """EC2 has made the instance for this rank."""


class InstanceRunning(InstanceEvent, frozen=True, kw_only=True, tag="instance.running"):
    """EC2 says that the instance runs."""


class InstanceStopping(InstanceEvent, frozen=True, kw_only=True, tag="instance.stopping"):
    """EC2 says that the instance is being stopped."""


class InstanceStopped(InstanceEvent, frozen=True, kw_only=True, tag="instance.stopped"):
    """EC2 says that the instance is stopped."""


class InstanceTerminated(InstanceEvent, frozen=True, kw_only=True, tag="instance.terminated"):
    """EC2 says that the instance is gone for good."""


class MemberReady(MemberEvent, frozen=True, kw_only=True, tag="member.ready"):
    """The machine's agent has said hello."""

    instance_id: InstanceId


class MemberExited(MemberEvent, frozen=True, kw_only=True, tag="member.exited"):
    """The member's job has ended."""

    exit_code: int


class MemberReplaced(MemberEvent, frozen=True, kw_only=True, tag="member.replaced"):
    """The rank is now filled by another instance."""

    instance_id: InstanceId
    replaces: InstanceId


class GrantReady(EventData, frozen=True, kw_only=True, tag="grant.ready"):
    """The role and profile of the array's permissions exist."""

    grant: str


class HostnameRegistered(EventData, frozen=True, kw_only=True, tag="hostname.registered"):
    """The names resolve, on every name server of their zone."""

    names: tuple[str, ...]


class HostnameRemoved(EventData, frozen=True, kw_only=True, tag="hostname.removed"):
    """The names are gone."""

    names: tuple[str, ...]


class HostnameRefused(EventData, frozen=True, kw_only=True, tag="hostname.refused"):
    """The names can't be made; mostly because somebody else's stand there, who keeps them."""

    names: tuple[str, ...]
    reason: str


Data = (
    ArrayAccepted
    | ArrayRejected
    | ArrayLaunching
    | ArrayReady
    | ArrayDegraded
    | ArrayFinished
    | ArrayFailed
    | ArrayTerminated
    | InstanceLaunched
    | InstanceRunning
    | InstanceStopping
    | InstanceStopped
    | InstanceTerminated
    | MemberReady
    | MemberExited
    | MemberReplaced
    | NoticeInterruption
    | NoticeRebalance
    | NoticeMaintenance
    | CheckpointWarned
    | CheckpointStarted
    | CheckpointFinished
    | CheckpointFailed
    | LeaseSet
    | LeaseRefused
    | LeaseWarned
    | LeaseIdled
    | LeaseKept
    | LeaseExpired
    | PowerAsked
    | PowerRefused
    | PowerSettled
    | GrantReady
    | HostnameRegistered
    | HostnameRemoved
    | HostnameRefused
)


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event, known again by its derived `id`; `source` is `/spawn/<deployment>/<service>`."""

    id: str
    array_id: ArrayId
    source: str
    time: datetime
    data: Data

    @property
    def name(self) -> str:
        """The noun and the verb, e.g. `array.ready`."""
        return event_name(type(self.data))

    @property
    def subject(self) -> str:
        """The NATS subject."""
        return f"spawn.evt.{self.array_id}.{self.name}"

    @property
    def ce_type(self) -> str:
        """The CloudEvents type, e.g. `spawn.array.ready.v1`."""
        return f"spawn.{self.name}.v1"

    @property
    def ce_subject(self) -> str:
        """The CloudEvents subject: the array, and behind a slash the rank where there is one."""
        rank = getattr(self.data, "rank", None)
        return self.array_id if rank is None else f"{self.array_id}/{rank}"


def event_id(array_id: ArrayId, data: Data, version: int | str) -> str:
    """Derive `<array>/<noun>/<rank>/<generation>/<verb>/<revision>` from the writing record."""
    noun, verb = event_name(type(data)).split(".")
    named = (getattr(data, field, None) for field in ("rank", "generation"))
    rank, generation = ("-" if each is None else each for each in named)
    return f"{array_id}/{noun}/{rank}/{generation}/{verb}/{version}"
