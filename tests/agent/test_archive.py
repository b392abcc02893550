import ast
import subprocess
import zipfile
from pathlib import Path

import pytest

from scripts.build_agent import ROOT, TEMPLATE, build
from tests.agent.machine import oldest_python

SOURCES = sorted((ROOT / "agent").glob("*.py"))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = build(tmp_path / "one" / "a.pyz"), build(tmp_path / "two" / "b.pyz")
    assert first.read_bytes() == second.read_bytes()


def test_the_archive_holds_all_that_a_machine_needs(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build(tmp_path / "a.pyz")).namelist()
    assert names == sorted(names)
    assert {"__main__.py", TEMPLATE, "agent/app.py", "nats/aio/client.py"} <= set(names)
    assert "nats-LICENSE" in names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_python_3_9_can_read_it(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 9))


def test_an_agent_without_its_settings_says_which_are_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [oldest_python(), str(build(tmp_path / "a.pyz"))],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "spawn-agent: FAILED: SPAWN_DEPLOYMENT is not set; the boot script writes it\n"
    )
