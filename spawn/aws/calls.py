"""What every call has in common: tokens before it, one translation of errors, retry, metrics."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from spawn.aws.errors import translate
from spawn.aws.pacing import Pacer
from spawn.clock import Clock
from spawn.errors import Cause, Outcome, Transient
from spawn.telemetry import metrics

T = TypeVar("T")

ATTEMPTS = 3
"""How often a call that is safe to repeat is made, as botocore's standard mode does
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html)."""

FIRST_DELAY = timedelta(seconds=0.2)
_REPEATED = frozenset({Cause.THROTTLED, Cause.UNREACHABLE, Cause.INTERNAL})

_calls = metrics.counter("aws", "calls", "Calls to AWS by outcome.", ("api", "outcome"))
_seconds = metrics.histogram("aws", "call_duration", "Time from call to parsed answer.", ("api",))
_throttles = metrics.counter("aws", "throttles", "Calls that AWS refused for rate.", ("api",))


class Calls:
    """Makes the calls of one service in one region, and counts them by API."""

    def __init__(self, pacer: Pacer, clock: Clock, counted: Counter[str]) -> None:
        self.pacer = pacer
        self._clock = clock
        self._counted = counted
        self._jitter = random.Random()  # noqa: S311 - spreads retries, protects nothing

    async def once(self, api: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call whose tokens the caller has taken. Raises an `Outcome`."""
        begun = self._clock.monotonic()
        self._counted[api] += 1
        _throttles.labels(api)  # at zero from its first call on
        try:
            answer = await call()
        except Exception as error:
            outcome = translate(error, api=api)
            self._note(api, outcome)
            raise outcome from error
        finally:
            _seconds.labels(api).observe(self._clock.monotonic() - begun)
        _calls.labels(api, "ok").inc()
        return answer

    async def repeat(self, api: str, call: Callable[[], Awaitable[T]], *, instances: int = 0) -> T:
        """Take tokens and make a call that may be repeated unchanged. Raises an `Outcome`."""
        for attempt in range(1, ATTEMPTS):
            await self.pacer.take(api, instances=instances)
            try:
                return await self.once(api, call)
            except Transient as outcome:
                if outcome.cause not in _REPEATED:
                    raise
            await self._clock.sleep(FIRST_DELAY * 2**attempt * self._jitter.random())
        await self.pacer.take(api, instances=instances)
        return await self.once(api, call)

    async def pause(self, attempt: int) -> None:
        """Wait before try number `attempt + 1` of what AWS does not see everywhere yet."""
        await self._clock.sleep(FIRST_DELAY * 2**attempt)

    def _note(self, api: str, outcome: Outcome) -> None:
        _calls.labels(api, outcome.cause.value).inc()
        if outcome.cause is Cause.THROTTLED:
            _throttles.labels(api).inc()
            self.pacer.throttled(api)
