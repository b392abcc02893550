"""What the launcher needs from outside, as types, and the world that bundles it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.launcher.config import Settings
from services.launcher.memory import Fleet, Memory
from spawn.aws.ports import AwsPort
from spawn.bus.ports import EventsPort, FencesPort, RequestsPort, StorePort, TellsPort
from spawn.clock import Clock
from spawn.contracts.arrays import Array, DeploymentMark, NameClaim
from spawn.contracts.hostnames import Hostnames
from spawn.contracts.launches import JobSpec
from spawn.contracts.lease_records import LeaseRecord
from spawn.contracts.members import Member
from spawn.contracts.notices import Notice


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The launcher's records; `hostnames`, `leases` and `notices` of others, which it only reads.

    `arrays`, `names` and `marks` are one bucket.
    """

    arrays: StorePort[Array]
    names: StorePort[NameClaim]
    marks: StorePort[DeploymentMark]
    members: StorePort[Member]
    specs: StorePort[JobSpec]
    hostnames: StorePort[Hostnames]
    leases: StorePort[LeaseRecord]
    notices: StorePort[Notice]


@dataclass(frozen=True, kw_only=True)
class Agent:
    """The program that runs on machines, how they boot it, and where it finds the bus.

    `template` is the boot script with `@NAME@` in the place of values.
    """

    content: bytes
    sha256: str
    template: str
    bus_url: str
    bus_fingerprint: str


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a handler may touch."""

    settings: Settings
    deployment: str
    clock: Clock
    stores: Stores
    events: EventsPort
    fences: FencesPort
    tells: TellsPort
    requests: RequestsPort
    aws: AwsPort
    agent: Agent | None
    count_replicas: Callable[[], Awaitable[int]]
    fleet: Fleet = field(default_factory=Fleet)
    memory: Memory = field(default_factory=Memory)
