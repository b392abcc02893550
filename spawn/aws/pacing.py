"""Waiting for the tokens of AWS's buckets *before* a call, so that throttling is the exception.

One `Pacer` stands for one account and region; replicas that share them take a share each.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from spawn.aws.buckets import Bucket, Limits, Rate, limits, time_for
from spawn.aws.turns import Turn, Turns
from spawn.clock import Clock
from spawn.telemetry import metrics

LOOK_AGAIN = timedelta(seconds=1)
"""The longest nap of a call that is next: a changed share or rate is noticed after it."""

_TICK = timedelta.resolution
"""Added to a nap, which rounding could otherwise end just before its token is there."""

_wait_seconds = metrics.histogram(
    "aws", "pacing_wait", "Time that calls waited for the tokens of their API.", ("api",)
)


class Pacer:
    """Gives each call its turn by API, fair between keys (arrays)."""

    def __init__(self, clock: Clock, overrides: Mapping[str, Rate] | None = None) -> None:
        self._clock = clock
        self._overrides = overrides or {}
        self._lanes: dict[str, _Lane] = {}
        self._replicas = 1

    async def take(self, api: str, *, instances: int = 0, key: str = "") -> None:
        """Wait for one call's tokens, and those of `instances` where the API counts them."""
        lane, begun = self._lane(api), self._clock.monotonic()
        await lane.take(instances, key, self._clock)
        _wait_seconds.labels(api).observe(self._clock.monotonic() - begun)

    def give_back(self, api: str, *, instances: int = 0) -> None:
        """Return the tokens of a turn whose call was not made."""
        self._lane(api).give_back(instances, now=self._clock.monotonic())

    def throttled(self, api: str) -> None:
        """Note that AWS refused a call for its rate."""
        self._lane(api).throttled(now=self._clock.monotonic())

    def time_for(self, api: str, calls: Iterable[int]) -> timedelta:
        """Return how long calls of so many instances each take when nobody else makes any."""
        return time_for(self._limits(api), calls)

    def set_share(self, replicas: int) -> None:
        """Leave room for `replicas` (this one counted) that use the same account and region."""
        self._replicas = max(1, replicas)
        for api, lane in self._lanes.items():
            lane.set_limits(self._limits(api), now=self._clock.monotonic())

    def _lane(self, api: str) -> "_Lane":
        if api not in self._lanes:
            self._lanes[api] = _Lane(self._limits(api), now=self._clock.monotonic())
        return self._lanes[api]

    def _limits(self, api: str) -> Limits:
        whole = limits(api, self._overrides)
        return Limits(
            whole.requests and whole.requests.share(self._replicas),
            whole.instances and whole.instances.share(self._replicas),
        )


class _Lane:
    """The buckets and the queue of one API."""

    def __init__(self, limits: Limits, *, now: float) -> None:
        self._limits = limits
        self._requests = limits.requests and Bucket(limits.requests, now=now)
        self._instances = limits.instances and Bucket(limits.instances, now=now)
        self._turns = Turns()
        self._called: dict[int, asyncio.Event] = {}

    async def take(self, instances: int, key: str, clock: Clock) -> None:
        """Wait for this call's turn and its tokens; a cancelled wait leaves no trace."""
        turn = self._turns.enter(key, self._cost(instances))
        called = self._called[turn.number] = asyncio.Event()
        served = False
        try:
            while (wait := self._wait(turn, instances, clock.monotonic())) != 0:
                if wait is None:
                    called.clear()
                    await called.wait()
                else:
                    await clock.sleep(min(timedelta(seconds=wait) + _TICK, LOOK_AGAIN))
            served = True
            self._spend(instances, now=clock.monotonic())
            self._turns.serve(turn)
        finally:
            if not served:
                self._turns.leave(turn)
            del self._called[turn.number]
            self._call_next()

    def give_back(self, instances: int, *, now: float) -> None:
        """Return one call's tokens."""
        if self._requests:
            self._requests.give_back(1, now=now)
        if self._instances:
            self._instances.give_back(instances, now=now)

    def throttled(self, *, now: float) -> None:
        """Slow down; EC2 does not say which bucket was empty, and calls are what it counts."""
        if self._requests:
            self._requests.drain(now=now)

    def set_limits(self, limits: Limits, *, now: float) -> None:
        """Change the rates of the buckets that there are."""
        self._limits = limits
        if self._requests and limits.requests:
            self._requests.set_rate(limits.requests, now=now)
        if self._instances and limits.instances:
            self._instances.set_rate(limits.instances, now=now)

    def _wait(self, turn: Turn, instances: int, now: float) -> float | None:
        return self._tokens_in(instances, now) if self._turns.first() == turn else None

    def _tokens_in(self, instances: int, now: float) -> float:
        return max(
            self._requests.wait(1, now=now) if self._requests else 0.0,
            self._instances.wait(instances, now=now) if self._instances else 0.0,
        )

    def _spend(self, instances: int, *, now: float) -> None:
        if self._requests:
            self._requests.take(1, now=now)
        if self._instances:
            self._instances.take(instances, now=now)

    def _cost(self, instances: int) -> float:
        requests, resources = self._limits.requests, self._limits.instances
        return max(
            1 / requests.per_second if requests else 0.0,
            instances / resources.per_second if resources else 0.0,
        )

    def _call_next(self) -> None:
        first = self._turns.first()
        if first is not None:
            self._called[first.number].set()
