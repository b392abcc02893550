"""The pages: generated ones are up to date, commands in them exist, links lead somewhere."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cli.main import COMMANDS, load_command
from scripts import generate_docs
from scripts.pages import settings
from scripts.pages.asyncapi import said_now
from scripts.pages.contracts import documents, event_kinds
from spawn.contracts.events import event_name

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("[ago]*/*.md")]
)
SHELL = re.compile(r"^```(sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted|registry\.npmjs|npmjs\.com|proxy\.golang|deb\.debian"
    r"|--index-url|--registry",
)

NOT_INSTALLED = 69
"""EX_UNAVAILABLE of sysexits.h: what scripts/asyncapi says when it can't fetch the parser."""


def commands() -> Iterator[Any]:
    """Yield each `spawn ...` of a page's shell blocks; of a recorded run only what was typed."""
    for page in PAGES:
        for kind, block in SHELL.findall(page.read_text()):
            for line in block.splitlines():
                typed = line.removeprefix("$ ") if kind == "console" else line
                is_typed = kind == "sh" or line.startswith("$ ")
                if is_typed and typed.startswith("spawn "):
                    yield pytest.param(typed, id=f"{page.name}: {typed}")


def parse(line: str) -> str:
    """Parse a command without running it, as the command line itself would; return its name."""
    _, name, *words = shlex.split(line, comments=True)
    if name in {"--help", "--version"}:
        return name
    command = load_command(name)
    while inner := getattr(command, "commands", {}):
        name = words.pop(0)
        command = inner[name]
    command.make_context(name, words)
    return name


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return generate_docs.pages()


def test_generated_pages_are_as_the_code_says(texts: dict[str, str]) -> None:
    assert list(generate_docs.differences(texts)) == []


def test_no_contract_breaks_its_readers(texts: dict[str, str]) -> None:
    assert list(generate_docs.broken(texts)) == []


def test_a_stale_page_is_shown_as_a_diff(texts: dict[str, str], tmp_path: Path) -> None:
    generate_docs.write(texts, tmp_path, breaking=False)
    changed = {**texts, "metrics.md": texts["metrics.md"] + "one more line\n"}
    (shown,) = generate_docs.differences(changed, tmp_path)
    assert "+one more line" in shown
    assert "/metrics.md" in shown


@pytest.mark.parametrize("name", list(documents()))
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(documents()[name])


def test_every_event_has_a_schema_and_a_channel(texts: dict[str, str]) -> None:
    names = {event_name(kind) for kind in event_kinds()}
    described = yaml.safe_load(texts["asyncapi.yaml"])
    addresses = {each["address"] for each in described["channels"].values()}
    assert {f"schemas/{name}.v1.json" for name in names} <= set(texts)
    assert {f"spawn.evt.{{array}}.{name}" for name in names} <= addresses


def test_what_is_said_to_come_later_is_not_said_now(texts: dict[str, str]) -> None:
    channels = yaml.safe_load(texts["asyncapi.yaml"])["channels"]
    said = said_now()
    for kind in event_kinds():
        later = "no service of this version" in channels[event_name(kind)]["description"]
        assert later == (kind.__name__ not in said)


def test_a_breaking_change_is_not_written(texts: dict[str, str], tmp_path: Path) -> None:
    assert generate_docs.write(texts, tmp_path, breaking=False) == 0
    name = "schemas/array.ready.v1.json"
    changed = json.loads(texts[name])
    del changed["properties"]["seconds"]
    broken = {**texts, name: json.dumps(changed)}
    assert generate_docs.write(broken, tmp_path, breaking=False) == 1
    assert (tmp_path / name).read_text() == texts[name]
    assert generate_docs.write(broken, tmp_path, breaking=True) == 0
    assert (tmp_path / name).read_text() == broken[name]


def test_every_settings_struct_that_is_loaded_has_its_section() -> None:
    loaded: set[str] = set()
    for tree in ("spawn", "services", "cli", "sandbox"):
        for path in (ROOT / tree).rglob("*.py"):
            loaded.update(re.findall(r"\bload\(([A-Z]\w+)", path.read_text()))
    assert loaded <= {section.kind.__name__ for section in settings.SECTIONS}


@pytest.mark.parametrize("line", list(commands()))
def test_a_command_of_a_page_is_one(line: str) -> None:
    assert parse(line)


def test_a_command_that_is_none_is_noticed() -> None:
    assert parse("spawn sandbox latency 0.1-0.5") == "latency"
    with pytest.raises(Exception, match="--no-such-flag"):
        parse("spawn launch --no-such-flag")
    assert "frobnicate" not in COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = (link.split("#")[0] for link in LINK.findall(page.read_text()))
    local = [each for each in targets if each and "://" not in each]
    assert [each for each in local if not (page.parent / each).exists()] == []


def test_decisions_have_numbers_of_their_own_and_the_same_parts() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [page.name.split("-")[0] for page in decisions]
    assert len(set(numbers)) == len(numbers)
    for page in decisions:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name.split('-')[0])}. "), page.name
        parts = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], page.name


def test_no_file_names_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if not name or name == "tests/test_docs.py" or not path.is_file():
            continue
        assert not REGISTRIES.search(path.read_text(errors="replace")), name


def test_the_readme_has_the_place_of_the_bench_table() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme.count("<!-- bench:begin -->") == readme.count("<!-- bench:end -->") == 1
    assert readme.index("<!-- bench:begin -->") < readme.index("<!-- bench:end -->")


def looked_up(text: str, heading: str) -> set[str]:
    """Return the addresses of loopback that the demo shows under a heading."""
    shown = text.split(f"\n== {heading}", 1)[1].split("\n== ", 1)[0]
    return set(re.findall(r"(?<!@)\b127\.\d+\.\d+\.\d+\b", shown))


@pytest.mark.e2e
def test_the_demo_works_and_leaves_nothing() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "demo"], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("array.accepted", "instance.running", "array.finished", "array.terminated"):
        assert said in done.stdout
    assert "demo-0 | the sum of 100 squares by 7 workers is 328350" in done.stdout
    assert all(f"demo-{rank} | rank {rank} added" in done.stdout for rank in range(1, 8))
    assert len(looked_up(done.stdout, "The name of all eight")) == 8
    assert not looked_up(done.stdout, "Its name is gone")
    assert "No process is left" in done.stdout


@pytest.mark.door
def test_the_asyncapi_document_is_valid_to_its_own_parser() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("NOT CHECKED: docs/asyncapi.yaml against @asyncapi/parser; there is no node")
    done = subprocess.run(
        [ROOT / "scripts" / "asyncapi", ROOT / "docs" / "asyncapi.yaml"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if done.returncode == NOT_INSTALLED:
        pytest.skip(f"NOT CHECKED: docs/asyncapi.yaml; {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(event_kinds())} events" in done.stdout
