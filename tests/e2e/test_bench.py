"""The bench measures what it says: its findings have the documented form, and the counts hold.

Times are left alone here: they belong to a quiet machine.
"""

import asyncio
import math
import os
import sys
from pathlib import Path

import msgspec
import pytest

from tests.bench.readme import BEGIN, END, rewrite
from tests.bench.results import Report
from tests.bench.scripts import CHUNK

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
MOST_WRITES_PER_MEMBER = 3
MOST_EVENTS_PER_MEMBER = 4
ARRAY_WRITES = 8
"""Of an array's own records, whatever its size."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Report:
    file = tmp_path_factory.mktemp("bench") / "bench.json"
    code, said = asyncio.run(_run("--quick", "--json", str(file)))
    assert code == 0, said
    assert "| members" in said
    return msgspec.json.decode(file.read_bytes(), type=Report)


async def _run(*flags: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench", *flags),
        cwd=ROOT,
        env=dict(os.environ),  # noqa: TID251 - a child's
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


def test_an_array_takes_one_call_per_hundred_members_and_no_tag_call(found: Report) -> None:
    for each in found.sizes:
        for costs in each.spawn:
            assert costs.calls["RunInstances"] == math.ceil(each.size / CHUNK)
            assert "CreateTags" not in costs.calls
            assert costs.throttled == 0


def test_the_bare_script_makes_the_same_launch_calls(found: Report) -> None:
    for each in found.sizes:
        for ours, script in zip(each.spawn, each.bare, strict=True):
            assert script.calls["RunInstances"] == ours.calls["RunInstances"]


def test_writes_and_events_per_member_are_few(found: Report) -> None:
    for each in found.sizes:
        for costs in each.spawn:
            assert costs.member_writes <= MOST_WRITES_PER_MEMBER * each.size
            assert costs.array_writes <= ARRAY_WRITES
    largest = max(found.sizes, key=lambda each: each.size)
    assert 0 < largest.member_writes <= MOST_WRITES_PER_MEMBER
    assert 0 < largest.events <= MOST_EVENTS_PER_MEMBER


def test_one_call_per_member_and_a_tag_call_per_member_are_counted(found: Report) -> None:
    one_by_one, tagged = found.others
    assert one_by_one.calls["RunInstances"] >= one_by_one.size
    assert (tagged.calls["RunInstances"], tagged.calls["CreateTags"]) == (1, tagged.size)


def test_arrays_launched_at_once_are_all_ready_and_none_is_throttled(found: Report) -> None:
    crowd = found.crowd
    assert (crowd.ready, crowd.throttled) == (crowd.arrays, 0)
    assert crowd.calls["RunInstances"] == crowd.arrays


def test_each_rate_stands_beside_that_of_the_bare_client(found: Report) -> None:
    assert all(each.per_second > 0 for each in found.bus)
    ours = {each.what for each in found.bus if each.ours}
    plain = {each.what for each in found.bus if not each.ours}
    assert len(ours & plain) == 3


def test_machines_meet_prove_themselves_once_and_lose_no_line(found: Report) -> None:
    jobs = found.jobs
    assert jobs is not None
    assert jobs.rendezvous.after_start >= jobs.rendezvous.after_hello >= 0
    assert jobs.proofs.verifications == 1
    assert jobs.output.per_second > 0


def test_committed_findings_have_the_form_that_the_bench_writes() -> None:
    committed = msgspec.json.decode((ROOT / "docs" / "bench.json").read_bytes(), type=Report)
    assert not committed.quick
    assert [each.size for each in committed.sizes] == [1, 10, 100, 1000]


def test_the_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert rewrite(readme, "new")
    assert readme.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    readme.write_text("no markers\n")
    assert not rewrite(readme, "new")
    assert readme.read_text() == "no markers\n"
