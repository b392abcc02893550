"""What the laptop cloud can be told to do: the sections of a scenario file.

A scenario is YAML or JSON; every section is optional, and each is the body of the admin call
of the same name (`sandbox.admin` lists them). Times are seconds: a number, or `[low, high]`
for a uniform distribution.
"""

import random
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from sandbox.buckets import Rate
from sandbox.request import Region

Market = Literal["on-demand", "spot"]
MachineMode = Literal["real", "hollow", "off"]
ANY = "*"
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Delay:
    """A time that is drawn uniformly from `low` to `high`."""

    __slots__ = ("high", "low")

    def __init__(self, low: timedelta, high: timedelta | None = None) -> None:
        self.low = low
        self.high = low if high is None else high

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Delay) and (self.low, self.high) == (other.low, other.high)

    def __hash__(self) -> int:
        return hash((self.low, self.high))

    def draw(self, source: random.Random) -> timedelta:
        """Return one time of the distribution."""
        return self.low + (self.high - self.low) * source.random()


def seconds(low: float, high: float | None = None) -> Delay:
    """Return the delay of `low` to `high` seconds."""
    return Delay(timedelta(seconds=low), None if high is None else timedelta(seconds=high))


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class CapacityRule(_Section, frozen=True):
    """`free` further instances in every pool that matches; None is without limit."""

    market: Literal["on-demand", "spot", "*"] = "*"
    instance_type: str = ANY
    zone: str = ANY
    free: int | None = None

    def __post_init__(self) -> None:
        if self.free is not None and self.free < 0:
            raise ValueError("free must not be negative")


class Fault(_Section, frozen=True):
    """The next `count` calls of an API fail: by an error, a lost reply, or silence.

    `lost-reply` performs the call and closes the connection without an answer; `hang` never
    answers and performs nothing.
    """

    api: str
    service: str = "ec2"
    region: Region | None = None
    kind: Literal["error", "lost-reply", "hang"] = "error"
    code: str = "InternalError"
    message: str = "An internal error has occurred"
    status: int = 500
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("count must be 1 or more")
        if not 400 <= self.status <= 599:  # noqa: PLR2004  the HTTP error range
            raise ValueError("status must be from 400 to 599")


class ThrottleRule(_Section, frozen=True):
    """Other buckets for one API of a service; None is without limit."""

    api: str
    service: str = "ec2"
    requests: Rate | None = None
    resources: Rate | None = None


class Throttle(_Section, frozen=True):
    """Whether calls are throttled, and rules in place of the documented ones."""

    enabled: bool | None = None
    rules: tuple[ThrottleRule, ...] = ()


class Latency(_Section, frozen=True):
    """Added before a call is performed."""

    delay: Delay
    service: str = ANY
    api: str = ANY


class Lifecycle(_Section, frozen=True):
    """How long the cloud takes for what it does; None leaves a value as it is."""

    pending: Delay | None = None
    stopping: Delay | None = None
    shutting_down: Delay | None = None
    invisible: Delay | None = None
    """After a launch, instances are unknown to Describe calls for this long."""
    profile_propagation: Delay | None = None
    """A new instance profile, or its role, is unknown to RunInstances for this long."""
    terminated_listed: Delay | None = None
    """Terminated instances are listed for this long
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html)."""
    names_in_sync: Delay | None = None
    """A change of DNS records is PENDING for this long; the name server answers at once."""


class Notices(_Section, frozen=True):
    """How the cloud warns of interruptions; None leaves a value as it is."""

    lead: Delay | None = None
    """From the warning to the interruption, where it is not said with it."""
    events_late: Delay | None = None
    """EventBridge delivers this long after the fact."""
    metadata_late: Delay | None = None
    """Metadata services show a warning this long after the fact."""
    loss: Share | None = None
    """Part of the events that EventBridge loses; 1 is all of them."""
    duplicates: Share | None = None
    """Part of the events that EventBridge delivers twice."""


class Storm(_Section, frozen=True):
    """Once `running` spot instances of an array run, `count` of them are warned.

    The warnings come at random instants `within` so long; `lead` is as `Notices` has it unless
    it is said here. A storm comes once, over the first array that is large enough.
    """

    count: Annotated[int, msgspec.Meta(ge=1)]
    running: Annotated[int, msgspec.Meta(ge=1)]
    array: str = ANY
    within: Delay = seconds(0, 5)
    lead: Delay | None = None
    silent: bool = False


class Quota(_Section, frozen=True):
    """How many vCPUs may run in an account and region; None is without limit."""

    vcpus: int | None
    market: Market = "on-demand"


class SpotPrice(_Section, frozen=True):
    """What spot costs in every pool that matches, in US dollars an hour."""

    usd: Annotated[float, msgspec.Meta(gt=0)]
    instance_type: str = ANY
    zone: str = ANY


class ZoneScore(_Section, frozen=True):
    """How AWS scores the capacity of a zone for spot, where three types or more are asked for."""

    score: Annotated[int, msgspec.Meta(ge=1, le=10)]
    zone: str = ANY


class Signature(_Section, frozen=True):
    """Services whose signatures are verified; `*` is all of them."""

    services: tuple[str, ...]


class Enforcement(_Section, frozen=True):
    """Whether the calls of IAM's users and roles are held to their policies."""

    enabled: bool


class Machines(_Section, frozen=True):
    """What runs behind instances that begin to run from now on.

    `real` machines need Linux and a sandbox that was started with them; where they can't be,
    they are `hollow`: nothing runs, a program elsewhere may speak for them.
    """

    mode: MachineMode


class Boot(_Section, frozen=True):
    """How machines boot: all of them, or only those of one rank; a later rule goes first.

    The rank is the one that tag `spawn:ranks` gives the instance, else its launch index.
    """

    rank: int | None = None
    delay: Delay | None = None
    """From the instance's state `running` to the first process."""
    user_data_fails: bool | None = None


class Scenario(_Section, frozen=True):
    """A whole behaviour."""

    capacity: tuple[CapacityRule, ...] = ()
    fault: tuple[Fault, ...] = ()
    throttle: Throttle = Throttle()
    latency: tuple[Latency, ...] = ()
    lifecycle: Lifecycle = Lifecycle()
    notices: Notices = Notices()
    storm: tuple[Storm, ...] = ()
    quota: tuple[Quota, ...] = ()
    price: tuple[SpotPrice, ...] = ()
    score: tuple[ZoneScore, ...] = ()
    signature: Signature = Signature(services=("sts",))
    enforcement: Enforcement = Enforcement(enabled=True)
    machines: Machines = Machines(mode="off")
    boot: tuple[Boot, ...] = ()


def decode_delay(kind: type, value: Any) -> Any:
    """Decode a `Delay` for msgspec. Raises ValueError naming what is right."""
    if kind is not Delay:
        raise NotImplementedError(f"no decoding for {kind}")
    match value:
        case bool():
            pass
        case int() | float() if value >= 0:
            return seconds(value)
        case [int() | float() as low, int() | float() as high] if 0 <= low <= high:
            return seconds(low, high)
        case _:
            pass
    raise ValueError("expected seconds, or [low, high] in seconds, none negative")


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises `msgspec.ValidationError` naming the wrong field."""
    return msgspec.yaml.decode(path.read_bytes(), type=Scenario, dec_hook=decode_delay)
