"""What Prometheus scrapes, as Prometheus' own tool judges it."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.fixtures.control import Plane, plane_in

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    async for plane in plane_in(tmp_path / "home"):
        yield plane


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


async def test_promtool_accepts_what_every_process_says(plane: Plane, promtool: str) -> None:
    await plane.up("--isolate")
    launched = await plane.run("launch", "--name", "m", "--region", "us-east-1")
    assert launched.code == 0, launched.err
    diagnosis = json.loads((await plane.run("doctor", "--json")).out)
    urls = [each["metrics_url"] for each in (*diagnosis["services"], diagnosis["sandbox"])]
    assert len(urls) == len(diagnosis["services"]) + 1
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
