"""Dashboards as Grafana reads them, from rows of panels.

The format is that of Grafana 10 and later
(https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 39
WIDTH = 24
"""Columns of Grafana's grid."""

_HEIGHT = 8
_SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, kw_only=True)
class Query:
    """One PromQL expression, and what its series are called: `{{label}}` is filled in."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question (`title`), its answer, and what to make of it (`about`).

    `unit` is one of Grafana's; `kind` is `timeseries` or, for a few figures, `stat`.
    """

    title: str
    queries: tuple[Query, ...]
    about: str
    unit: str = "short"
    kind: str = "timeseries"


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard: rows of panels that share the width."""

    uid: str
    title: str
    about: str
    rows: tuple[tuple[Panel, ...], ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel, from the top."""
        return tuple(panel for row in self.rows for panel in row)


def render(board: Board) -> Mapping[str, Any]:
    """Return the JSON model of a dashboard."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.about,
        "tags": ["spawn"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source_variable()]},
        "panels": list(_panels(board)),
    }


def _source_variable() -> Mapping[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _panels(board: Board) -> Iterator[Mapping[str, Any]]:
    number = 0
    for row, panels in enumerate(board.rows):
        width = WIDTH // len(panels)
        for column, panel in enumerate(panels):
            number += 1
            place = {"x": column * width, "y": row * _HEIGHT, "w": width, "h": _HEIGHT}
            yield _panel(panel, number, place)


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> Mapping[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": _options(panel.kind),
        "targets": [_target(query, index) for index, query in enumerate(panel.queries)],
    }


def _options(kind: str) -> Mapping[str, Any]:
    if kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "value_and_name"}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}


def _target(query: Query, index: int) -> Mapping[str, Any]:
    return {
        "refId": chr(ord("A") + index),
        "datasource": _SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
    }
