"""What the bench finds, as it stands in `docs/bench.json`. Times are seconds, memory is MiB."""

from statistics import median

import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every finding."""


class Machine(Result, frozen=True, kw_only=True):
    """Where it ran; `load` is the machine's load average when it began and when it ended."""

    cores: int
    processor: str
    memory_gib: float
    system: str
    python: str
    versions: dict[str, str]
    load: tuple[float, float]


class Startup(Result, frozen=True, kw_only=True):
    """From a command's start to its end."""

    help: list[float]
    up: list[float]
    launch: list[float]
    """`spawn launch` of one instance that takes 2 s to boot, the start of Python included."""


class Costs(Result, frozen=True, kw_only=True):
    """What one launch cost until it was ready."""

    seconds: float
    calls: dict[str, int]
    """AWS calls by API, as the cloud counted them."""
    throttled: int
    member_writes: int = 0
    array_writes: int = 0
    events: int = 0
    cpu: dict[str, float] = {}
    """Processor seconds by process."""
    stall: float = 0.0
    """The event loop never woke a task later than this."""
    held: float = 0.0
    """The longest stall so far for which the process' own work can account, not the machine's."""
    memory: float = 0.0
    """Of services and nats-server, when it was ready."""


class Size(Result, frozen=True, kw_only=True):
    """Arrays of one size, launched by spawn and by a bare script on the same cloud."""

    size: int
    spawn: list[Costs]
    bare: list[Costs]

    @property
    def ready(self) -> float:
        """The median time to ready."""
        return median(each.seconds for each in self.spawn)

    @property
    def bare_ready(self) -> float:
        """The median time of the bare script."""
        return median(each.seconds for each in self.bare)

    @property
    def overhead(self) -> float:
        """The median of what spawn took beyond the bare script of the same run."""
        pairs = zip(self.spawn, self.bare, strict=True)
        return median(ours.seconds - bare.seconds for ours, bare in pairs)

    @property
    def member_writes(self) -> float:
        """Records written per member, those of the array included."""
        return max(each.member_writes + each.array_writes for each in self.spawn) / self.size

    @property
    def events(self) -> float:
        """Events per member, those of the array included."""
        return max(each.events for each in self.spawn) / self.size

    @property
    def stall(self) -> float:
        """The longest time for which the event loop was held up, by whatever."""
        return max(each.stall for each in self.spawn)

    @property
    def held(self) -> float:
        """The longest time for which our own work can have held the event loop up."""
        return max(each.held for each in self.spawn)


class Other(Result, frozen=True, kw_only=True):
    """A launch in one of the ways in which others do it."""

    way: str
    size: int
    running: int
    seconds: float | None
    """None when it was not done within the time that it was given, or had to give up."""
    calls: dict[str, int]
    throttled: int
    failed: dict[str, int] = {}
    """Calls that were given up after boto3's retries, by EC2's error code."""


class Crowd(Result, frozen=True, kw_only=True):
    """Many arrays at once."""

    arrays: int
    size: int
    seconds: float
    median: float
    ready: int
    calls: dict[str, int]
    throttled: int
    fastest_possible: float
    """What EC2's request bucket alone allows: one RunInstances call for each array."""


class Beside(Result, frozen=True, kw_only=True):
    """An array of 1 alone, and beside the launch of `large` members: at once, and 2 s later."""

    large: int
    large_seconds: float
    alone: float
    at_once: float
    later: float


class Rate(Result, frozen=True, kw_only=True):
    """Something done on the bus, `per_second`; by nats-py itself or by our own door.

    `cpu_microseconds` of this process for each message say the same without the machine's noise.
    """

    what: str
    ours: bool
    per_second: float
    cpu_microseconds: float


class Memory(Result, frozen=True, kw_only=True):
    """Of each process of the control plane, when it has just started and at its largest array."""

    idle: dict[str, float]
    loaded: dict[str, float]
    members: int
    idle_cpu: float
    """Part of one core that it uses once all arrays have ended."""


class Large(Result, frozen=True, kw_only=True):
    """An array far beyond EC2's buckets, which are switched off for it."""

    size: int
    costs: Costs
    ending: float
    memory: dict[str, float]


class Rendezvous(Result, frozen=True, kw_only=True):
    """Hollow members that meet, from the last one's start, or hello, until all know all."""

    members: int
    after_start: float
    after_hello: float


class Proofs(Result, frozen=True, kw_only=True):
    """Machines that boot together and prove who they are, until the last one is in."""

    machines: int
    seconds: float
    verifications: float
    """Questions to STS for each machine."""


class Output(Result, frozen=True, kw_only=True):
    """Lines a second from a job on a machine to `spawn logs`, and by nats-py from end to end.

    nats-py moves the same bytes in blocks of the same size, published in a window of 1000.
    """

    lines: int
    per_second: float
    ceiling: float


class Storm(Result, frozen=True, kw_only=True):
    """Some machines of a spot array are taken back within 5 s; seconds are from each's notice.

    `median` and `longest` are the times until a successor was recorded, `calls` the RunInstances
    calls that it took for all `successors`; `checkpoints` are those that were finished.
    """

    members: int
    lost: int
    median: float
    longest: float
    calls: int
    checkpoints: int
    successors: int


class Jobs(Result, frozen=True, kw_only=True):
    """What machines and their jobs do on the bus."""

    rendezvous: Rendezvous
    proofs: Proofs
    output: Output
    storm: Storm | None = None


class Ensured(Result, frozen=True, kw_only=True):
    """A grant's permissions asked of the IAM broker: made new, verified in IAM, or known."""

    what: str
    seconds: list[float]
    calls: dict[str, int]
    """Calls of IAM by API, for one of them."""


class Names(Result, frozen=True, kw_only=True):
    """What it took until all names of some members resolved everywhere, or none did any more.

    `seconds` count from when the last member ran, or the array was over.
    """

    what: str
    members: int
    changes: int
    """ChangeResourceRecordSets."""
    calls: int
    """All calls of Route 53, those that ask whether a change is everywhere included."""
    throttled: int
    seconds: float


class Leases(Result, frozen=True, kw_only=True):
    """Leases that end: how late the launcher's command was stored, and what holding them takes.

    `earliest` is above 0 when none ended early; `heap` is what as many timers of asyncio take.
    """

    what: str
    leases: int
    earliest: float
    median: float
    p99: float
    latest: float
    memory_before: float
    memory_with_all: float
    heap: float


class Burst(Result, frozen=True, kw_only=True):
    """Every instance of some spot arrays is warned of at once; seconds count from the first.

    `sent` is when the cloud had warned of the last, `told` when the machines of its array were
    told of that one; `doubled` are those that were told of twice, `events` what was published.
    """

    arrays: int
    size: int
    sent: float
    told: float
    doubled: int
    events: int


class Report(Result, frozen=True, kw_only=True):
    """A whole run."""

    machine: Machine
    runs: int
    quick: bool
    took: float
    startup: Startup
    sizes: list[Size]
    others: list[Other]
    crowd: Crowd
    beside: Beside | None
    bus: list[Rate]
    memory: Memory
    large: Large | None = None
    jobs: Jobs | None = None
    grants: list[Ensured] = []
    names: list[Names] = []
    leases: list[Leases] = []
    burst: Burst | None = None
