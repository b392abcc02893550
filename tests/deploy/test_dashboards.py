"""Dashboards: written by the script as they stand, and asking for what there is."""

import re
from pathlib import Path

import pytest

from scripts.dashboards.boards import BOARDS
from scripts.dashboards.grafana import Board, Query
from scripts.generate_dashboards import FOLDER, files, stale
from tests.deploy.metrics import LABELS, known, named

QUERIES = [
    pytest.param(query, id=f"{board.uid}: {panel.title}")
    for board in BOARDS
    for panel in board.panels
    for query in panel.queries
]
_ALWAYS = {"le", "job", "instance"}


def test_what_is_checked_in_is_what_the_script_writes() -> None:
    assert stale(files()) == []


def test_a_file_that_differs_or_is_left_over_is_stale(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).write_text(text)
    assert stale(files(), tmp_path) == []
    (tmp_path / "old.json").write_text("{}")
    (tmp_path / "fleet.json").write_text("{}")
    assert stale(files(), tmp_path) == ["fleet.json", "old.json"]
    assert FOLDER.is_dir()


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_names_metrics_that_there_are(query: Query) -> None:
    assert set(named(query.expression)) <= known()


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_and_legend_uses_labels_that_its_metrics_have(query: Query) -> None:
    has = {label for name in named(query.expression) for label in LABELS[name]} | _ALWAYS
    lists: list[str] = re.findall(r"by \(([^)]*)\)", query.expression)
    assert {label for each in lists for label in each.split(", ")} <= has
    assert set(re.findall(r"{{(\w+)}}", query.legend)) <= has


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_say_what_they_show_and_fill_the_width(board: Board) -> None:
    titles = [panel.title for panel in board.panels]
    assert len(set(titles)) == len(titles)
    assert all(panel.about.endswith(".") for panel in board.panels)
    assert all(24 % len(row) == 0 for row in board.rows)
