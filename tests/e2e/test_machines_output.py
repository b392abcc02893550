"""What jobs are given and what they print, however large or odd."""

import hashlib
import re
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.scale import TORTURE
from tests.fixtures.control import Plane
from tests.fixtures.jobs import LAUNCH, begin, finished, output

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
if TORTURE:
    # At full counts these are run with the faults.
    pytestmark.append(pytest.mark.fault)
LINES = 1_000_000 if TORTURE else 100_000
LONG_LINE = 10_000_000
KEPT = 16 * 1024
ODD = 'it\'s "odd"\n\tand $(touch pwned) `id` $HOME \\ *\n'
BINARY = bytes(range(256)) * 400

COMMAND = f"""case $SPAWN_RANK in
0) seq {LINES} ;;
1) python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 400)' ;;
2) head -c {LONG_LINE} /dev/zero | tr '\\0' x; echo; echo after ;;
3) printf %s "$ODD" | sha256sum; ls -A ;;
esac
"""
PADDING = "".join(f": nothing is done by line {number:6}\n" for number in range(7000))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def odd(machines_plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Plane:
    """An array whose ranks print all sorts, from a command of more than 200 kB."""
    script = tmp_path_factory.mktemp("odd") / "command"
    script.write_text(PADDING + COMMAND)
    assert script.stat().st_size > 200_000
    await begin(machines_plane, "odd", f"@{script}", "--env", f"ODD={ODD}", count=4)
    ended = await finished(machines_plane, "odd")
    assert ended.code == 0, ended.err
    return machines_plane


async def test_many_lines_arrive_in_order(odd: Plane) -> None:
    expected = "".join(f"{number}\n" for number in range(1, LINES + 1))
    assert (await output(odd, "odd", 0)).decode() == expected


async def test_binary_output_arrives_byte_for_byte(odd: Plane) -> None:
    assert await output(odd, "odd", 1) == BINARY + b"\n"


async def test_a_line_of_10_mb_is_cut_and_says_so(odd: Plane) -> None:
    long, after = (await output(odd, "odd", 2)).splitlines()
    said = re.fullmatch(rb"(x+) \[spawn: (\d+) .*\]", long)
    assert said is not None
    assert len(said[1]) + int(said[2]) == LONG_LINE
    assert len(long) < 2 * KEPT
    assert after == b"after"


async def test_an_odd_value_of_a_variable_is_what_it_was(odd: Plane) -> None:
    first, *files = (await output(odd, "odd", 3)).decode().splitlines()
    assert first.split()[0] == hashlib.sha256(ODD.encode()).hexdigest()
    assert "pwned" not in files


async def test_a_script_of_600_kib_is_rejected_with_a_way_out(
    machines_plane: Plane, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/bash\n" + "#" * (600 * 1024))
    words = ("--name", "large", "--user-data", f"@{script}")
    launched = await machines_plane.run(*LAUNCH, *words)
    assert launched.code == 3, launched.err
    assert "S3" in launched.err
    assert "600" in launched.err or "614" in launched.err
    assert (await machines_plane.run("status", "large")).code == 4
