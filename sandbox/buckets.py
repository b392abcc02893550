"""Token buckets by account, region and API, with the values that AWS documents.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html: a request bucket
counts calls, a resource bucket counts instances.
"""

from typing import NamedTuple

import msgspec

from sandbox.request import AccountId, Region


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket's size and how many tokens it regains in a second."""

    burst: float
    per_second: float

    def __post_init__(self) -> None:
        if self.burst < 0 or self.per_second < 0:
            raise ValueError("burst and per_second must not be negative")


class Limits(msgspec.Struct, frozen=True):
    """The buckets of one API; None is without limit."""

    requests: Rate | None = None
    resources: Rate | None = None


_MUTATING = Limits(requests=Rate(50, 5))
_READING = Limits(requests=Rate(100, 20))
_UNFILTERED = Limits(requests=Rate(50, 10))
_LAUNCH = Limits(requests=Rate(5, 2), resources=Rate(1000, 2))
_NONE = Limits()
_ROUTE53 = Limits(requests=Rate(5, 5))
"""All calls of an account together
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests)."""

UNFILTERED = "+unfiltered"
"""Suffix of the bucket of a describe call with neither filter nor pagination."""

_DOCUMENTED = {
    "RunInstances": _LAUNCH,
    "StartInstances": _LAUNCH,
    "TerminateInstances": Limits(requests=Rate(100, 5), resources=Rate(1000, 20)),
    "StopInstances": Limits(requests=Rate(50, 5), resources=Rate(1000, 20)),
    "CreateTags": Limits(requests=Rate(100, 10)),
    "DeleteTags": Limits(requests=Rate(100, 10)),
    "CreateLaunchTemplateVersion": Limits(requests=Rate(100, 5)),
    "AssociateIamInstanceProfile": Limits(requests=Rate(100, 5)),
}


def documented(service: str, api: str) -> Limits:
    """Return AWS's documented limits; only EC2 publishes them by API."""
    if service == "route53":
        return _ROUTE53
    if service != "ec2":
        return _NONE
    if api.endswith(UNFILTERED):
        return _UNFILTERED
    if api.startswith(("Describe", "Get", "Search", "List")):
        return _READING
    return _DOCUMENTED.get(api, _MUTATING)


class Key(NamedTuple):
    """Whose bucket, for which API."""

    account: AccountId
    region: Region
    service: str
    api: str


class Bucket:
    """Tokens that flow back with time; `now` is in seconds of a monotonic clock."""

    def __init__(self, rate: Rate, *, now: float) -> None:
        self.rate = rate
        self._level = rate.burst
        self._at = now

    def level(self, *, now: float) -> float:
        """Return the tokens in the bucket at `now`."""
        gained = max(0.0, now - self._at) * self.rate.per_second
        return min(self.rate.burst, self._level + gained)

    def take(self, amount: float, *, now: float) -> bool:
        """Take `amount` tokens; False, and nothing taken, when there are fewer."""
        level = self.level(now=now)
        if level < amount:
            return False
        self._level, self._at = level - amount, now
        return True

    def give_back(self, amount: float, *, now: float) -> None:
        """Put back tokens that were taken and not used."""
        self._level, self._at = min(self.rate.burst, self.level(now=now) + amount), now


class Buckets:
    """All buckets in use; made full at their first call."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[Key, str], Bucket] = {}

    def admit(self, key: Key, limits: Limits, *, resources: int, now: float) -> bool:
        """Take one request token and `resources` resource tokens; False when refused."""
        requests = self._bucket(key, "requests", limits.requests, now=now)
        if requests is not None and not requests.take(1, now=now):
            return False
        instances = self._bucket(key, "resources", limits.resources, now=now)
        # EC2 charges the request even when it is the resource bucket that refuses it.
        return instances is None or instances.take(resources, now=now)

    def give_back(self, key: Key, limits: Limits, *, resources: int, now: float) -> None:
        """Return resource tokens for instances that the call did not touch."""
        instances = self._bucket(key, "resources", limits.resources, now=now)
        if instances is not None and resources > 0:
            instances.give_back(resources, now=now)

    def clear(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()

    def _bucket(self, key: Key, kind: str, rate: Rate | None, *, now: float) -> Bucket | None:
        if rate is None:
            return None
        bucket = self._buckets.get((key, kind))
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[key, kind] = Bucket(rate, now=now)
        return bucket
