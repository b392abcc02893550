"""PromQL as the dashboards are made of it.

Counters and histograms are added up over replicas. Of gauges that every replica that knows them
sets to the same, the largest is taken.
"""

from scripts.dashboards.grafana import Query

RANGE = "$__rate_interval"
"""Grafana's own: at least four scrapes, whatever the zoom."""


def largest(metric: str, *labels: str) -> str:
    """Return a gauge that replicas agree on, by labels."""
    return f"max by ({', '.join(labels)}) ({metric})" if labels else f"max({metric})"


def growth(metric: str, *labels: str, over: str = "1h") -> str:
    """Return by how much a counter has grown over all replicas."""
    grown = f"(increase({metric}[{over}]))"
    return f"sum by ({', '.join(labels)}) {grown}" if labels else f"sum{grown}"


def per_second(metric: str, *labels: str) -> str:
    """Return a counter's rate over all replicas."""
    return f"sum by ({', '.join(labels)}) (rate({metric}[{RANGE}]))"


def quantile(share: str, histogram: str, *labels: str) -> str:
    """Return the value that a share of the observations stays below."""
    by = ", ".join(("le", *labels))
    return f"histogram_quantile({share}, sum by ({by}) (rate({histogram}_bucket[{RANGE}])))"


def one(expression: str, legend: str = "") -> tuple[Query, ...]:
    """Return one query."""
    return (Query(expression=expression, legend=legend),)


def spread(histogram: str) -> tuple[Query, ...]:
    """Return the median and the slow end of a histogram."""
    return (
        Query(expression=quantile("0.5", histogram), legend="median"),
        Query(expression=quantile("0.95", histogram), legend="95 of 100"),
    )


PAID = largest("spawn_launcher_instances", "owner", "market")
