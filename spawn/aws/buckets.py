"""Token buckets, pure: EC2's documented rates by API, and how tokens are taken and flow back.

A request bucket counts calls, a resource bucket the instances that they touch
(https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

import msgspec

from spawn.errors import Rejected

SLOWED_FOR = timedelta(seconds=30)
"""How long a throttle answer halves a bucket's rate."""

EARLIER = timedelta(milliseconds=100)
"""How much faster than the call before it a call may reach AWS, whose bucket counts arrivals:
a bucket that is no longer full regains its tokens this much later than ours would."""

INSTANCES = ".instances"
"""Suffix that names an API's resource bucket."""


class Rate(msgspec.Struct, frozen=True):
    """How many tokens a bucket holds and how many it regains in a second."""

    burst: float
    per_second: float

    def __post_init__(self) -> None:
        if self.burst <= 0 or self.per_second <= 0:
            raise Rejected(
                "SPAWN_AWS_BUCKETS: a bucket's burst and rate are above 0",
                field="SPAWN_AWS_BUCKETS",
            )

    def share(self, parts: int) -> "Rate":
        """Return the part of one of `parts` replicas that share the account."""
        return Rate(self.burst / parts, self.per_second / parts)


class Limits(msgspec.Struct, frozen=True):
    """The buckets of one API; None is without a documented limit."""

    requests: Rate | None = None
    instances: Rate | None = None


_LAUNCH = Limits(Rate(5, 2), Rate(1000, 2))
_READING = Limits(Rate(100, 20))
_MUTATING = Limits(Rate(50, 5))
_DOCUMENTED = {
    "RunInstances": _LAUNCH,
    "StartInstances": _LAUNCH,
    "TerminateInstances": Limits(Rate(100, 5), Rate(1000, 20)),
    "StopInstances": Limits(Rate(50, 5), Rate(1000, 20)),
    "CreateTags": Limits(Rate(100, 10)),
    "DeleteTags": Limits(Rate(100, 10)),
    # Default throughput of Parameter Store
    # (https://docs.aws.amazon.com/general/latest/gr/ssm.html).
    "GetParameter": Limits(Rate(40, 40)),
    "GetCallerIdentity": Limits(),
    # Standard queues take any number of calls
    # (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
    "ReceiveMessage": Limits(),
    "DeleteMessageBatch": Limits(),
    # Of the price list no rate is documented: few calls, kept for a day.
    "GetProducts": Limits(Rate(10, 5)),
    # Route 53: five requests a second for the account, which these share
    # (https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html).
    "ChangeResourceRecordSets": Limits(Rate(2, 2)),
    "ListResourceRecordSets": Limits(Rate(2, 2)),
    "GetChange": Limits(Rate(1, 1)),
}

_EPSILON = 1e-9
"""Tokens that rounding may lose: a wait that was slept is then over."""

_OVERRIDE = re.compile(
    r"(?P<api>[A-Za-z]+)(?P<kind>\.instances)?=(?P<burst>\d+(?:\.\d+)?)/(?P<rate>\d+(?:\.\d+)?)"
)


def documented(api: str) -> Limits:
    """Return the limits that AWS documents for an API of EC2, SSM, STS, SQS or Route 53."""
    return _DOCUMENTED.get(api, _READING if api.startswith("Describe") else _MUTATING)


def parse_buckets(texts: Iterable[str]) -> dict[str, Rate]:
    """Read overrides, `RunInstances=5/2` and `RunInstances.instances=1000/2`, by bucket name.

    Raises `Rejected` for a text that is none.
    """
    rates: dict[str, Rate] = {}
    for text in texts:
        found = _OVERRIDE.fullmatch(text.strip())
        if found is None:
            raise Rejected(
                f"SPAWN_AWS_BUCKETS: {text!r} is not a bucket; write it like RunInstances=5/2"
                " (burst/per second) or RunInstances.instances=1000/2",
                field="SPAWN_AWS_BUCKETS",
            )
        rate = Rate(float(found["burst"]), float(found["rate"]))
        rates[f"{found['api']}{found['kind'] or ''}"] = rate
    return rates


def limits(api: str, overrides: Mapping[str, Rate]) -> Limits:
    """Return an API's limits, with overrides in place of what is documented."""
    known = documented(api)
    return Limits(
        overrides.get(api, known.requests),
        overrides.get(f"{api}{INSTANCES}", known.instances),
    )


class Bucket:
    """Tokens that flow back with time; `now` is in seconds of a monotonic clock.

    A request for more tokens than the bucket ever holds is served from a full one and leaves a
    debt, so that it is neither impossible nor cheaper than it should be.
    """

    def __init__(self, rate: Rate, *, now: float) -> None:
        self._rate = rate
        self._level = rate.burst
        self._at = now
        self._slow_until = now

    def wait(self, amount: float, *, now: float) -> float:
        """Return in how many seconds `amount` tokens can be taken; 0 when they can be now."""
        self._settle(now)
        missing = min(amount, self._rate.burst) - self._level
        if missing <= _EPSILON:
            return 0.0
        begins = max(now, self._at)
        slow = max(0.0, self._slow_until - begins)
        regained = slow * self._rate.per_second / 2
        if missing <= regained:
            return begins - now + missing * 2 / self._rate.per_second
        return begins - now + slow + (missing - regained) / self._rate.per_second

    def take(self, amount: float, *, now: float) -> None:
        """Take tokens; the caller has seen that `wait` is 0."""
        self._settle(now)
        if self._level >= self._rate.burst:
            self._at = now + EARLIER.total_seconds()
        self._level -= amount

    def give_back(self, amount: float, *, now: float) -> None:
        """Put back tokens whose call was not made."""
        self._settle(now)
        self._level = min(self._rate.burst, self._level + amount)

    def drain(self, *, now: float) -> None:
        """Believe AWS that there are no tokens, and halve the rate for `SLOWED_FOR`."""
        self._settle(now)
        self._level = min(self._level, 0.0)
        self._slow_until = now + SLOWED_FOR.total_seconds()

    def set_rate(self, rate: Rate, *, now: float) -> None:
        """Change the rate; a smaller bucket keeps its part of the tokens, a debt stays whole."""
        self._settle(now)
        if self._level > 0:
            self._level *= min(1.0, rate.burst / self._rate.burst)
        self._rate = rate

    def _settle(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        slow = min(passed, max(0.0, self._slow_until - self._at))
        regained = (passed - slow / 2) * self._rate.per_second
        self._level = min(self._rate.burst, self._level + regained)
        self._at = max(self._at, now)


def time_for(limits: Limits, calls: Iterable[int]) -> timedelta:
    """Return how long it takes until the last of `calls` may be made, all buckets being full.

    Each call is the number of instances that it touches.
    """
    now = 0.0
    requests = limits.requests and Bucket(limits.requests, now=now)
    instances = limits.instances and Bucket(limits.instances, now=now)
    for count in calls:
        asked = [(bucket, n) for bucket, n in ((requests, 1), (instances, count)) if bucket]
        now += max((bucket.wait(n, now=now) for bucket, n in asked), default=0.0)
        for bucket, n in asked:
            bucket.take(n, now=now)
    return timedelta(seconds=now)
