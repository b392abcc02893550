"""What Prometheus scrapes, as Prometheus' own tool judges it."""

import asyncio
import json
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.fixtures.control import Plane
from tests.fixtures.jobs import follow

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def promtool() -> str:
    found = subprocess.run(
        [ROOT / "scripts" / "debian", "prometheus", "promtool"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        pytest.skip(f"NOT CHECKED by promtool: {found.stderr.strip()}")
    return found.stdout.strip().splitlines()[-1]


async def test_promtool_accepts_what_every_process_says(
    machines_plane: Plane, promtool: str
) -> None:
    ran = await follow(machines_plane, "measured", "true")
    assert ran.code == 0, ran.err
    diagnosis = json.loads((await machines_plane.run("doctor", "--json")).out)
    urls = {each["metrics_url"] for each in (*diagnosis["services"], diagnosis["sandbox"])}
    assert len(urls) == 2
    for url in urls:
        said = await asyncio.to_thread(_read, url)
        assert b"\nspawn_" in said
        judged = await asyncio.create_subprocess_exec(
            promtool,
            "check",
            "metrics",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        complaints, _ = await judged.communicate(said)
        assert judged.returncode == 0, f"{url}: {complaints.decode()}"


def _read(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:
        return answer.read()
