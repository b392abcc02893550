"""Runs the suites of `make check`, `make test` and `make torture`, each within its time budget.

A suite that fails, or that takes longer than its budget, fails the run; all suites are run. One
that takes three times its budget is stuck, and ended.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
LEAST_COVERAGE = 85
STUCK = 3
"""So many budgets long a suite may take before it is ended."""

PATIENCE = 30
"""Seconds in which a stuck command ends."""

TREES = ("spawn", "services", "cli", "sandbox", "tests", "scripts")


@dataclass(frozen=True)
class Suite:
    """Commands that must all succeed within `budget` seconds on two cores.

    One that runs `beside` goes on while those after it run, and is printed when it is over.
    """

    name: str
    budget: float
    commands: tuple[tuple[str, ...], ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    beside: bool = False


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of a program in .venv."""
    return (str(BIN / name), *arguments)


def pytest(marks: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of the tests with these marks."""
    return tool("python", "-m", "pytest", "-q", "-m", marks, *arguments)


def covered(marks: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of the tests with these marks, their subprocesses measured."""
    return tool("coverage", "run", "-m", "pytest", "-q", "-m", marks, *arguments)


FORMAT = Suite("format", 5, (tool("ruff", "format", "--check", "--quiet", "."),))
LINT = Suite("lint", 5, (tool("ruff", "check", "--quiet", "."),))
# It keeps one core busy, and what runs beside it the other.
TYPES = Suite("types", 90, (tool("basedpyright", "--level", "error"),), beside=True)
IMPORTS = Suite("imports", 15, (tool("lint-imports", "--no-logo"),))
DOCS = Suite("generated docs", 15, (tool("python", "scripts/generate_docs.py", "--check"),))
UNIT = "not door and not e2e and not fault"

TWO = ("-n", "2", "--dist", "loadfile")
"""One worker a core; a file's tests share what they start, so they stay together."""

THREE = ("-n", "3", "--dist", "loadfile")
"""For tests that wait for programs most of the time."""

CHECK = (FORMAT, LINT, TYPES, IMPORTS, Suite("unit", 60, (pytest(UNIT, *TWO),)))
TEST = (
    FORMAT,
    LINT,
    TYPES,
    IMPORTS,
    DOCS,
    Suite("unit", 180, (covered(UNIT, *TWO),)),
    Suite("doors", 270, (covered("door and not fault", *TWO),)),
    Suite("end to end", 420, (covered("e2e and not fault", *THREE),)),
    # Not measured, which takes half as long again: what is counted by the others is enough.
    Suite("faults", 420, (pytest("fault", *THREE),)),
    Suite(
        "coverage",
        60,
        (
            tool("coverage", "combine", "--quiet"),
            tool("coverage", "report", f"--fail-under={LEAST_COVERAGE}"),
            (
                *tool("coverage", "report", "--include=services/*/plan.py,services/*/plan/*"),
                "--fail-under=100",
            ),
        ),
    ),
)
TORTURE = (Suite("faults at full counts", 3600, (pytest("fault", "-s"),), {"SPAWN_TORTURE": "1"}),)
PLANS = {"check": CHECK, "test": TEST, "torture": TORTURE}


def run(suite: Suite) -> tuple[float, str]:
    """Run one suite; return how long it took and why it failed, empty when it did not."""
    begun = time.perf_counter()
    env = {**os.environ, **suite.env}
    kept = subprocess.PIPE if suite.beside else None
    for command in suite.commands:
        with subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdout=kept, stderr=kept
        ) as process:
            output, errors = communicate(process, within=STUCK * suite.budget)
        if suite.beside:
            print(f"--- {suite.name}\n{output}{errors}", end="", flush=True)
        if process.returncode:
            shown = " ".join(command).replace(f"{ROOT}/", "")
            return time.perf_counter() - begun, f"exit code {process.returncode}: {shown}"
    took = time.perf_counter() - begun
    return took, f"over its budget of {suite.budget:.0f} s" if took > suite.budget else ""


def communicate(process: "subprocess.Popen[str]", *, within: float) -> tuple[str, str]:
    """Wait for a command and return what it said; end it when it is stuck."""
    try:
        return process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        # The first lets pytest show what has failed so far.
        for ending in (signal.SIGINT, signal.SIGKILL):
            process.send_signal(ending)
            try:
                return process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                continue
        raise


def run_all(suites: Iterable[Suite]) -> list[tuple[Suite, float, str]]:
    """Run suites, in order but for those beside; return what `run` does of each."""
    outcomes: list[tuple[Suite, Future[tuple[float, str]]]] = []
    with ThreadPoolExecutor() as pool:
        for suite in suites:
            if not suite.beside:
                print(f"--- {suite.name}", flush=True)
            outcome = pool.submit(run, suite)
            outcomes.append((suite, outcome))
            if not suite.beside:
                outcome.result()
    return [(suite, *outcome.result()) for suite, outcome in outcomes]


def main(names: Iterable[str]) -> int:
    """Run the suites of a target and print what each took."""
    target = next(iter(names), "test")
    for left_over in ROOT.glob(".coverage*"):
        left_over.unlink()
    rows = run_all(PLANS[target])
    width = shutil.get_terminal_size().columns
    print(f"\n{'suite':24}{'seconds':>9}{'budget':>8}  result")
    for suite, took, why in rows:
        print(f"{suite.name:24}{took:9.1f}{suite.budget:8.0f}  {why or 'ok'}"[: max(width, 60)])
    failed = sum(1 for _, _, why in rows if why)
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
