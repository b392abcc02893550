"""Metrics named `spawn_<service>_<what>_<unit>`, low in cardinality, one registry a process.

A label is one of a small closed set (an API, an outcome, a state), never the id of anything.
"""

from collections.abc import Mapping, Sequence

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Buckets that fit both one call on loopback and the launch of an array, in seconds."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What `/metrics` answers with (https://prometheus.io/docs/instrumenting/exposition_formats/)."""


def counter(service: str, what: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
    """Make the counter `spawn_<service>_<what>_total`."""
    return Counter(f"spawn_{service}_{what}", documentation, tuple(labels))


def gauge(service: str, what: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
    """Make the gauge `spawn_<service>_<what>`; `what` ends with its unit where it has one."""
    return Gauge(f"spawn_{service}_{what}", documentation, tuple(labels))


def histogram(
    service: str,
    what: str,
    documentation: str,
    labels: Sequence[str] = (),
    *,
    buckets: Sequence[float] = LATENCY_SECONDS,
) -> Histogram:
    """Make the histogram `spawn_<service>_<what>_seconds`."""
    name = f"spawn_{service}_{what}_seconds"
    return Histogram(name, documentation, tuple(labels), buckets=buckets)


def from_zero(metric: Counter | Histogram, *values: str) -> None:
    """Give a metric of one label a series at zero for each of `values`.

    What has never happened is then seen as zero, and its first time as an increase
    (https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics).
    """
    for value in values:
        metric.labels(value)


def replace(metric: Gauge, values: Mapping[tuple[str, ...], float]) -> None:
    """Give a gauge with labels these series, and no others: what has gone is shown no more."""
    shown = {
        tuple(sample.labels.values()) for family in metric.collect() for sample in family.samples
    }
    for gone in shown - set(values):
        metric.remove(*gone)
    for labels, value in values.items():
        metric.labels(*labels).set(value)


def exposition() -> bytes:
    """Return every metric of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)
