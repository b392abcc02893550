"""The emulated EC2 as a whole: its regions, its clock, and what it was told to do."""

import random
from collections import deque
from datetime import datetime
from typing import Any, Protocol

import msgspec

from sandbox.behaviour import Delay, Lifecycle, Market, Notices, Storm, seconds
from sandbox.ec2.capacity import Capacity
from sandbox.ec2.launch_log import KEPT, LaunchEntry
from sandbox.ec2.market import SpotMarket
from sandbox.ec2.records import InstanceId, Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.ec2.timeline import Timeline, Timer
from sandbox.request import AccountId, Region
from spawn.clock import Clock


class Timings(msgspec.Struct, frozen=True):
    """How long the cloud takes for what it does."""

    pending: Delay = seconds(2)
    stopping: Delay = seconds(2)
    shutting_down: Delay = seconds(2)
    invisible: Delay = seconds(0)
    profile_propagation: Delay = seconds(0)
    terminated_listed: Delay = seconds(3600)
    names_in_sync: Delay = seconds(1)

    def changed(self, lifecycle: Lifecycle) -> "Timings":
        """Return these timings with those that `lifecycle` sets."""
        given = msgspec.structs.asdict(lifecycle)
        return msgspec.structs.replace(self, **{k: v for k, v in given.items() if v is not None})


class NoticeTimings(msgspec.Struct, frozen=True):
    """How the cloud warns of interruptions, and how well EventBridge delivers."""

    lead: Delay = seconds(120)
    events_late: Delay = seconds(0)
    metadata_late: Delay = seconds(0)
    loss: float = 0.0
    duplicates: float = 0.0

    def changed(self, notices: Notices) -> "NoticeTimings":
        """Return these with those that `notices` sets."""
        given = msgspec.structs.asdict(notices)
        return msgspec.structs.replace(self, **{k: v for k, v in given.items() if v is not None})


class Teller(Protocol):
    """Tells EventBridge of an instance."""

    def __call__(
        self,
        region: RegionState,
        record: Record,
        detail_type: str,
        detail: dict[str, str],
        *,
        at: datetime | None = None,
    ) -> None:
        """Take an event of that type to the region's rules; it is of now, or of `at`."""
        ...


def _tell_nobody(
    region: RegionState,
    record: Record,
    detail_type: str,
    detail: dict[str, str],
    *,
    at: datetime | None = None,
) -> None:
    """Do nothing."""


class StateListener(Protocol):
    """Hears of each change of state, after it."""

    def __call__(self, region: RegionState, record: Record, state: State) -> None:
        """Take note that `record` is now in `state`."""
        ...


class Machines(Protocol):
    """What runs behind instances. Called in moto's thread."""

    def entered(self, region: RegionState, record: Record, state: State) -> None:
        """Take note that `record` is now in `state`."""
        ...

    def reboot(self, record: Record) -> None:
        """Boot the machine of `record` again."""
        ...

    def lives(self, record: Record) -> bool:
        """Tell whether anything of `record` still runs."""
        ...

    def console(self, record: Record) -> bytes:
        """Return what `record` wrote to its serial console."""
        ...


class NoMachines:
    """Instances with nothing behind them."""

    def entered(self, region: RegionState, record: Record, state: State) -> None:
        """Do nothing."""

    def reboot(self, record: Record) -> None:
        """Do nothing."""

    def lives(self, record: Record) -> bool:  # noqa: ARG002  the port's
        """Nothing lives."""
        return False

    def console(self, record: Record) -> bytes:  # noqa: ARG002  the port's
        """Nothing was written."""
        return b""


class Cloud:
    """All regions. Only moto's thread may call its methods."""

    def __init__(
        self,
        clock: Clock,
        *,
        randomness: random.Random,
        on_state: StateListener,
        timeline: Timeline,
    ) -> None:
        self.clock = clock
        self.randomness = randomness
        self.on_state = on_state
        self.machines: Machines = NoMachines()
        self.held: dict[InstanceId, Timer] = {}
        """Moves to an end that wait for their machines to be gone."""
        self.tell: Teller = _tell_nobody
        self.timings = Timings()
        self.notices = NoticeTimings()
        self.storms: list[Storm] = []
        self.capacity = Capacity()
        self.market = SpotMarket()
        self.quotas: dict[Market, int | None] = {}
        self.timeline = timeline
        self.launches: deque[LaunchEntry] = deque(maxlen=KEPT)
        self.role_attached_at: dict[str, float] = {}
        self._regions: dict[tuple[str, str], RegionState] = {}

    def region(self, account: AccountId, name: Region) -> RegionState:
        """Return a region, made at its first use."""
        key = (account, name)
        if key not in self._regions:
            self._regions[key] = RegionState(account, name)
        return self._regions[key]

    def region_of(self, backend: Any) -> RegionState:
        """Return the region that has moto's `backend`."""
        return self.region(AccountId(backend.account_id), Region(backend.region_name))

    def regions(self) -> list[RegionState]:
        """Return the regions that were used."""
        return list(self._regions.values())

    def draw(self, delay: Delay) -> float:
        """Return one time of a distribution, in seconds."""
        return delay.draw(self.randomness).total_seconds()

    def reset_behaviour(self) -> None:
        """Go back to how EC2 behaves when nothing is set; instances stay."""
        self.timings = Timings()
        self.notices = NoticeTimings()
        self.storms.clear()
        self.capacity.clear()
        self.market.clear()
        self.quotas.clear()
