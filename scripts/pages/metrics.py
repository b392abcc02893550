"""Every metric, from the registry of a process that has imported everything."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, cast

from prometheus_client import REGISTRY, Histogram

import sandbox
import services
import spawn
from scripts.pages.markdown import code, page, table

_INTRODUCTION = """\
Every process answers `GET /metrics` in Prometheus' text format and `GET /healthz`; those that
host services answer `GET /readyz`, too. `spawn doctor --json` lists the addresses. Names are
`spawn_<service>_<what>_<unit>`; a label has few values and is never an id. Histograms come as
`_bucket`, `_sum` and `_count`. Besides these there are the client library's own `python_*` and
`process_*`.

Counters and histograms are added up over replicas, gauges of arrays, members, leases, names and
backlogs are not: every replica that knows them says the same, so take the largest
(`max by (state) (spawn_launcher_members)`)."""

_OWNERS = {
    "sandbox": "The laptop cloud",
    "iam": "The IAM broker",
    "dns": "The DNS service",
    "spot": "The spot watcher",
    "ttl": "The TTL service",
    "bus": "Every process on the bus",
    "aws": "Every process that calls AWS",
    "runtime": "Every process that hosts services",
}


def files() -> Mapping[str, str]:
    """Return the page by path under docs/."""
    for tree in (spawn, services, sandbox):
        _import_all(tree)
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    for name, row in _rows():
        sections.setdefault(name.split("_")[1], []).append(row)
    columns = ("metric", "type", "labels", "meaning")
    parts = (
        f"## {_OWNERS.get(owner, f'The {owner}')}\n\n{table(columns, sorted(rows))}"
        for owner, rows in sorted(sections.items())
    )
    return {"metrics.md": page("Metrics", _INTRODUCTION, *parts)}


def _import_all(tree: ModuleType) -> None:
    for found in pkgutil.walk_packages(tree.__path__, f"{tree.__name__}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def _rows() -> Iterator[tuple[str, tuple[str, str, str, str]]]:
    # The registry shows labels only of metrics that have samples; its collectors know them.
    collectors = cast("Any", REGISTRY)._collector_to_names  # noqa: SLF001 - as said above
    for collector in collectors:
        name = str(getattr(collector, "_name", ""))
        if not name.startswith("spawn_"):
            continue
        kind = str(collector._type)  # noqa: SLF001 - as said above
        labels = ", ".join(map(code, collector._labelnames))  # noqa: SLF001 - as said above
        full = f"{name}_total" if kind == "counter" else name
        about = str(collector._documentation).rstrip(".")  # noqa: SLF001 - as said above
        if isinstance(collector, Histogram):
            labels = labels or ""
        yield name, (code(full), kind, labels, about)
