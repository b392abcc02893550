"""The house keeps its shape: the same rooms in every service, small files, true tables."""

import ast
import importlib
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from spawn.runtime.service import AnyService, CommandRoute, DueRoute, FactRoute, ReportRoute

ROOT = Path(__file__).parent.parent
TREES = ("spawn", "services", "cli", "sandbox", "tests", "scripts")
LONGEST_FILE = 300
SERVICES = sorted(
    path.name for path in (ROOT / "services").iterdir() if (path / "__init__.py").exists()
)

ROOMS = {"__main__", "service", "handlers", "plan", "apply", "ports", "config"}
MORE_ROOMS = {"adapters", "memory", "metrics", "model"}

SUBJECT = re.compile(r"`(spawn\.(?:cmd|evt|api|agent|due)\.[\w.*>]+|[a-z]+\.(?:[a-z]+|\*))`")


def python_files() -> list[Path]:
    return sorted(path for tree in TREES for path in (ROOT / tree).rglob("*.py"))


def package(name: str) -> ModuleType:
    return importlib.import_module(f"services.{name}")


def table_of(name: str) -> AnyService:
    """Return a service's table of contents."""
    service: AnyService = importlib.import_module(f"services.{name}.service").SERVICE
    return service


def told(name: str, heading: str) -> set[str]:
    """Return what the docstring lists under a heading, up to the next one."""
    doc = package(name).__doc__ or ""
    lines = re.search(rf"^{heading}: (.*?)(?=^[A-Z]\w+:|\Z)", doc, re.DOTALL | re.MULTILINE)
    return set(SUBJECT.findall(lines[1])) if lines else set()


def rooms(name: str) -> set[str]:
    return {
        path.stem
        for path in (ROOT / "services" / name).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    } - {"__init__"}


def said_in(name: str) -> set[str]:
    """Return the names of the events whose kinds the service's code makes."""
    events = importlib.import_module("spawn.contracts.events")
    made: set[str] = set()
    for path in (ROOT / "services" / name).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "spawn.contracts.events":
                kinds = (getattr(events, each.name) for each in node.names)
                made |= {_tag(kind) for kind in kinds} - {""}
    return made


def _tag(kind: Any) -> str:
    config = getattr(kind, "__struct_config__", None)
    tag = getattr(config, "tag", None)
    return tag if isinstance(tag, str) and "." in tag else ""


def test_there_are_services_to_look_at() -> None:
    assert SERVICES


@pytest.mark.parametrize("name", SERVICES)
class TestEveryService:
    def test_has_the_same_rooms(self, name: str) -> None:
        assert rooms(name) >= ROOMS
        assert rooms(name) <= ROOMS | MORE_ROOMS

    def test_says_what_it_hears(self, name: str) -> None:
        routes = table_of(name).routes
        commands = {
            f"spawn.cmd.{name}.{each.verb}" for each in routes if isinstance(each, CommandRoute)
        }
        facts = {
            f"spawn.evt.*.{kind}"
            for each in routes
            if isinstance(each, FactRoute)
            for kind in each.kinds
        }
        reports = {
            f"spawn.agent.*.*.{kind}"
            for each in routes
            if isinstance(each, ReportRoute)
            for kind in each.kinds
        }
        timers = {f"spawn.due.*.{each.what}" for each in routes if isinstance(each, DueRoute)}
        assert told(name, "Hears") == commands | facts | reports | timers

    def test_says_what_it_answers(self, name: str) -> None:
        answers = {f"spawn.api.{name}.{each.verb}" for each in table_of(name).endpoints}
        assert told(name, "Answers") == answers

    def test_says_what_it_says(self, name: str) -> None:
        patterns = told(name, "Says")
        made = said_in(name)
        nouns = {pattern.removesuffix(".*") for pattern in patterns if pattern.endswith(".*")}
        heard = {each.removeprefix("spawn.evt.*.") for each in told(name, "Hears")}
        unsaid = {each for each in made if each.split(".")[0] not in nouns} - patterns - heard
        assert unsaid == set()
        assert nouns <= {each.split(".")[0] for each in made}

    def test_is_called_what_its_folder_is(self, name: str) -> None:
        assert table_of(name).name == name

    def test_names_its_invariants(self, name: str) -> None:
        assert re.search(r"^Invariants:\n- ", package(name).__doc__ or "", re.MULTILINE)

    def test_is_held_to_the_shape_by_the_import_linter(self, name: str) -> None:
        assert f"services.{name}" in shape_contract()["containers"]

    def test_is_found_by_its_entry_point(self, name: str) -> None:
        entries = pyproject()["project"]["entry-points"]["spawn.services"]
        assert entries[name] == f"services.{name}.service:SERVICE"


def test_the_import_linter_holds_no_service_that_is_gone() -> None:
    assert set(shape_contract()["containers"]) == {f"services.{name}" for name in SERVICES}
    assert shape_contract()["exhaustive"] is True


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "manager", "misc", "base_utils"])
def test_no_file_is_called_after_nothing(word: str) -> None:
    found = [path for path in python_files() if word in path.stem.split("_")]
    assert found == []


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def shape_contract() -> dict[str, Any]:
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    return next(each for each in contracts if each["id"] == "shape")
