"""The metrics that there are, as docs/metrics.md lists them; a suite of its own keeps it true."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
OTHERS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
"""Those of the client library that are asked for."""

_ROW = re.compile(r"^\| `(spawn_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)
_NAME = re.compile(r"\b(?:spawn|process)_[a-z0-9_]+")


def _read() -> dict[str, set[str]]:
    labels: dict[str, set[str]] = {each: set() for each in OTHERS}
    for name, kind, cells in _ROW.findall(PAGE.read_text()):
        endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        labels |= {f"{name}{ending}": set(re.findall(r"`(\w+)`", cells)) for ending in endings}
    return labels


LABELS = _read()
"""The labels of every series, by its name."""


def known() -> set[str]:
    """Return the name of every series."""
    return set(LABELS)


def named(expression: str) -> list[str]:
    """Return the series of ours, and the client library's, that an expression names."""
    return _NAME.findall(expression)
