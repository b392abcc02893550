"""A laptop cloud that is quick and never throttles, one for all tests of a file."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.plant import Plant, planted
from tests.faults.scale import FIGURES
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

QUICK = {
    "lifecycle": {"pending": 0.2, "shutting_down": 0.1},
    "throttle": {"enabled": False},
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the fault tests have counted, as a table."""
    if FIGURES:
        terminalreporter.section("faults")
    rows = [figure.partition(": ") for figure in FIGURES]
    width = max((len(what) for what, _, _ in rows), default=0)
    for what, _, counted in rows:
        terminalreporter.write_line(f"{what:{width}}  {counted}")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("cloud"), QUICK) as sandbox:
        yield sandbox


@pytest.fixture
async def plant(tmp_path: Path, cloud: RunningSandbox) -> AsyncIterator[Plant]:
    async with planted(tmp_path / "plant", cloud, f"d-{tmp_path.name[-20:]}") as made:
        yield made
        codes = [await each.stop() for each in made.launchers if each.is_alive]
    cloud.admin.post("reset-behaviour")
    assert not any(codes), f"a launcher that was asked to end did not end well: {codes}"
