"""`make bench`: what spawn costs, beside a bare script and beside what others do.

`--quick` takes less than a minute and compares nothing that needs a quiet machine. BENCH_RUNS
changes the number of samples of which the median counts.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from spawn.runtime.settings import load
from tests.bench.machine import machine
from tests.bench.program import FULL, QUICK, Program, measure
from tests.bench.readme import rewrite
from tests.bench.results import Report
from tests.bench.table import render

ROOT = Path(__file__).parents[2]


class Settings(msgspec.Struct, frozen=True):
    """BENCH_RUNS."""

    runs: int = 0


def main() -> None:
    asked = _parse()
    runs = load(Settings, prefix="BENCH_").runs
    program = QUICK if asked.quick else FULL
    if runs:
        program = msgspec.structs.replace(program, runs=runs)
    report = asyncio.run(_run(program))
    text = render(report)
    sys.stdout.write(f"{text}\n")
    if asked.json:
        _write(asked.json, report)
    if not asked.quick:
        _write(ROOT / "docs" / "bench.json", report)
        rewrite(ROOT / "README.md", text)


async def _run(program: Program) -> Report:
    begun, here = time.perf_counter(), machine()
    with tempfile.TemporaryDirectory(prefix="spawn-bench-") as folder:
        return await measure(program, Path(folder), here, begun=begun)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test of the bench")
    parser.add_argument("--json", type=Path, help="where to write the findings, too")
    return parser.parse_args()


def _write(path: Path, report: Report) -> None:
    raw = msgspec.json.encode(report)
    path.write_bytes(msgspec.json.format(raw, indent=2) + b"\n")


if __name__ == "__main__":
    main()
