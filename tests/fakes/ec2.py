"""EC2's instances in memory, with EC2's faults as state that a test sets."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from spawn.aws.buckets import parse_buckets
from spawn.aws.errors import outcome_of
from spawn.aws.pacing import Pacer
from spawn.aws.shapes import Subnet
from spawn.clock import Clock
from spawn.contracts.ids import ClientToken, InstanceId
from spawn.contracts.instances import Described, Instance, InstanceState, RunInstances
from spawn.contracts.pools import Market
from spawn.errors import Outcome, Transient
from tests.fakes.prices import FakeMarkets

REGION = "us-east-1"
VPC = "vpc-1"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
ZONE_IDS = ("use1-az1", "use1-az2", "use1-az4")
FREE_FLOW = ("RunInstances=100000/100000", "RunInstances.instances=1000000/1000000")
"""Buckets that never make a test wait; a test of pacing sets `pacer`."""


@dataclass
class Machine:
    """One instance: what was asked, how long it boots, and when what happened to it."""

    id: InstanceId
    request: RunInstances
    launch_index: int
    zone: str
    private_ip: str
    launched_at: datetime
    tags: dict[str, str]
    boot: timedelta
    ended_at: datetime | None = None
    halted_at: datetime | None = None
    started_at: datetime | None = None
    reason: str = ""


@dataclass
class Weather:
    """How EC2 behaves.

    New instances are `hidden` from Describe and `unknown` to Terminate for as long. `capacity`
    is by market, type and zone; a pool left out has no end.
    """

    boot: timedelta = timedelta(0)
    halt: timedelta = timedelta(0)
    hidden: timedelta = timedelta(0)
    unknown: timedelta = timedelta(0)
    capacity: dict[tuple[Market, str, str], int] = field(
        default_factory=dict[tuple[Market, str, str], int]
    )
    faults: dict[str, deque[Outcome]] = field(
        default_factory=lambda: defaultdict[str, deque[Outcome]](deque)
    )
    lost_replies: Counter[str] = field(default_factory=Counter[str])


class FakeInstances(FakeMarkets):
    """The instances of one region."""

    def __init__(self, clock: Clock, region: str = REGION) -> None:
        super().__init__()
        self.pacer = Pacer(clock, parse_buckets(FREE_FLOW))
        self.weather = Weather()
        self.machines: dict[InstanceId, Machine] = {}
        self.networks = tuple(_subnet(number, zone) for number, zone in enumerate(ZONES))
        self.counted: Counter[str] = Counter()
        self._clock = clock
        self._region = region
        self._numbers = count(1)
        self._reservations: dict[tuple[ClientToken, str], tuple[RunInstances, list[Machine]]] = {}

    def fail(self, api: str, *outcomes: Outcome) -> None:
        """Let the next calls of an API end like this, nothing done."""
        self.weather.faults[api].extend(outcomes)

    def lose_replies(self, api: str, times: int = 1) -> None:
        """Let the next calls be performed and their replies be lost."""
        self.weather.lost_replies[api] += times

    def reclaim(
        self, instance_id: InstanceId, reason: str = "Server.SpotInstanceTermination"
    ) -> None:
        """End an instance from outside."""
        self._end(self.machines[instance_id], reason)

    def living(self) -> list[InstanceId]:
        """Return the ids of all instances that are not going, visible or not."""
        return [one.id for one in self.machines.values() if one.ended_at is None]

    def reservations(self) -> list[tuple[ClientToken, str]]:
        """Return token and zone of every reservation that was ever made."""
        return list(self._reservations)

    async def run_instances(self, request: RunInstances) -> tuple[Described, ...]:
        self._enter("RunInstances")
        subnet = (await self._found_subnets([request.subnet_id]))[0]
        key = (request.client_token, subnet.zone)
        if key in self._reservations:
            first, made = self._reservations[key]
            self._check_token(first, request, made)
        else:
            made = self._make(request, subnet)
            self._reservations[key] = (request, made)
        self._leave("RunInstances")
        return tuple(self._describe(one) for one in made)

    async def rehearse(self, request: RunInstances) -> None:
        self._enter("RunInstances")
        await self._found_subnets([request.subnet_id])

    async def describe_instances(
        self,
        *,
        ids: Iterable[InstanceId] = (),
        tags: Mapping[str, str] | None = None,
        states: Iterable[InstanceState] = (),
    ) -> tuple[Described, ...]:
        self._enter("DescribeInstances")
        asked, wanted, allowed = set(ids), dict(tags or {}), set(states)
        seen = [self._describe(one) for one in self.machines.values() if self._is_visible(one)]
        return tuple(
            one
            for one in seen
            if (not asked or one.instance.id in asked)
            and wanted.items() <= one.tags.items()
            and (not allowed or one.instance.state in allowed)
        )

    async def terminate_instances(
        self, ids: Iterable[InstanceId]
    ) -> dict[InstanceId, InstanceState]:
        self._enter("TerminateInstances")
        states: dict[InstanceId, InstanceState] = {}
        for one in dict.fromkeys(ids):
            machine = self.machines.get(one)
            if machine is None or self._age(machine) < self.weather.unknown:
                states[one] = InstanceState.TERMINATED
            else:
                self._end(machine, "Client.UserInitiatedShutdown")
                states[one] = self._state(machine)
        self._leave("TerminateInstances")
        return states

    async def create_tags(self, ids: Iterable[InstanceId], tags: Mapping[str, str]) -> None:
        self._enter("CreateTags")
        for one in ids:
            if one not in self.machines:
                raise outcome_of(
                    "InvalidInstanceID.NotFound", f"The instance ID '{one}' does not exist"
                )
            self.machines[one].tags.update(tags)
        self._leave("CreateTags")

    def _enter(self, api: str) -> None:
        self.counted[api] += 1
        if self.weather.faults[api]:
            raise self.weather.faults[api].popleft()

    def _leave(self, api: str) -> None:
        if self.weather.lost_replies[api] > 0:
            self.weather.lost_replies[api] -= 1
            raise Transient(
                f"{api}: whether the call was performed is unknown", code="ReadTimeoutError"
            )

    async def _found_subnets(self, ids: Iterable[str]) -> tuple[Subnet, ...]:
        known = {one.id: one for one in self.networks}
        for one in (wanted := list(ids)):
            if one not in known:
                raise outcome_of(
                    "InvalidSubnetID.NotFound", f"The subnet ID '{one}' does not exist"
                )
        return tuple(sorted((known[one] for one in wanted), key=lambda one: (one.zone, one.id)))

    def _check_token(self, first: RunInstances, again: RunInstances, made: list[Machine]) -> None:
        if first != again:
            raise outcome_of(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent",
            )
        if all(self._state(one).is_going for one in made):
            raise outcome_of(
                "IdempotentInstanceTerminated", "The client token is of instances that are gone"
            )

    def _make(self, request: RunInstances, subnet: Subnet) -> list[Machine]:
        pool = (request.market, request.instance_type, subnet.zone)
        free = self.weather.capacity.get(pool, request.max_count)
        size = min(request.max_count, free)
        if size < request.min_count:
            raise outcome_of(
                "InsufficientInstanceCapacity",
                f"there is not sufficient {request.instance_type} capacity in {subnet.zone}",
                status=500,
            )
        self._check_bid(request, subnet)
        if pool in self.weather.capacity:
            self.weather.capacity[pool] = free - size
        made = [self._machine(request, index, subnet.zone) for index in range(size)]
        self.machines |= {one.id: one for one in made}
        return made

    def _check_bid(self, request: RunInstances, subnet: Subnet) -> None:
        price = self.spot_usd.get((request.instance_type, subnet.zone), 0.0)
        if (
            request.market is Market.SPOT
            and request.max_price
            and price > float(request.max_price)
        ):
            raise outcome_of(
                "SpotMaxPriceTooLow",
                f"Your Spot request price of {request.max_price} is lower than {price}",
            )

    def _machine(self, request: RunInstances, index: int, zone: str) -> Machine:
        number = next(self._numbers)
        return Machine(
            id=InstanceId(f"i-{number:017x}"),
            request=request,
            launch_index=index,
            zone=zone,
            private_ip=f"172.31.{number >> 8 & 255}.{number & 255}",
            launched_at=self._clock.now(),
            tags=dict(request.tags),
            boot=self.weather.boot,
        )

    def _end(self, machine: Machine, reason: str) -> None:
        if machine.ended_at is None:
            machine.ended_at, machine.reason = self._clock.now(), reason

    def _is_visible(self, machine: Machine) -> bool:
        return self._age(machine) >= self.weather.hidden

    def _age(self, machine: Machine) -> timedelta:
        return self._clock.now() - machine.launched_at

    def _state(self, machine: Machine) -> InstanceState:
        now = self._clock.now()
        if machine.ended_at is not None:
            over = now >= machine.ended_at + self.weather.halt
            return InstanceState.TERMINATED if over else InstanceState.SHUTTING_DOWN
        if machine.halted_at is not None:
            off = now >= machine.halted_at + self.weather.halt
            return InstanceState.STOPPED if off else InstanceState.STOPPING
        booted = now - (machine.started_at or machine.launched_at) >= machine.boot
        return InstanceState.RUNNING if booted else InstanceState.PENDING

    def _describe(self, machine: Machine) -> Described:
        state, request = self._state(machine), machine.request
        return Described(
            instance=Instance(
                id=machine.id,
                state=state,
                instance_type=request.instance_type,
                zone=machine.zone,
                market=request.market,
                image_id=request.image_id,
                subnet_id=request.subnet_id,
                private_ip="" if state is InstanceState.TERMINATED else machine.private_ip,
                launched_at=machine.started_at or machine.launched_at,
                reason=machine.reason,
                spot_request=f"sir-{machine.id[-8:]}" if request.market is Market.SPOT else "",
            ),
            launch_index=machine.launch_index,
            client_token=request.client_token,
            tags=dict(machine.tags),
            profile=request.instance_profile,
        )


def _subnet(number: int, zone: str) -> Subnet:
    return Subnet(
        id=f"subnet-{number + 1}",
        zone=zone,
        vpc_id=VPC,
        default_for_zone=True,
        free_addresses=4091,
        zone_id=ZONE_IDS[number],
    )
