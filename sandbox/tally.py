"""How many calls came, and how many were throttled, by region, service and API.

Names come from outside, so their number is bounded: what comes after the first few hundred is
counted as `other`.
"""

from collections import Counter
from typing import NamedTuple

from sandbox import metrics
from sandbox.errors import Reply
from sandbox.request import Call

_KEPT = 1000
_REGIONS_KEPT = 50
_OTHER = "other"


class Name(NamedTuple):
    """What was called, and where."""

    region: str
    service: str
    api: str


class Tally:
    """Counts calls, for the admin API and for Prometheus."""

    def __init__(self) -> None:
        self.calls: Counter[Name] = Counter()
        self.throttled: Counter[Name] = Counter()
        self._regions: set[str] = set()

    def answered(self, call: Call, reply: Reply, *, seconds: float) -> None:
        """Count a call with its outcome."""
        name = self._name(call)
        self.calls[name] += 1
        outcome = reply.code or "ok"
        metrics.CALLS.labels(aws_service=name.service, api=name.api, outcome=outcome).inc()
        metrics.SECONDS.labels(aws_service=name.service).observe(seconds)

    def refused(self, call: Call) -> None:
        """Count a call that a token bucket refused."""
        name = self._name(call)
        self.throttled[name] += 1
        metrics.THROTTLED.labels(aws_service=name.service, api=name.api).inc()

    def _name(self, call: Call) -> Name:
        region = call.region
        if region not in self._regions and len(self._regions) >= _REGIONS_KEPT:
            region = _OTHER
        self._regions.add(region)
        name = Name(region, call.service or _OTHER, call.action or call.method)
        if name in self.calls or len(self.calls) < _KEPT:
            return name
        return Name(region, _OTHER, _OTHER)
