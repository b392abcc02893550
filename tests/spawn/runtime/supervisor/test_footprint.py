"""What is remembered outside of the state folder."""

import os
from pathlib import Path

import pytest

from spawn.errors import Conflict, Rejected
from spawn.runtime.home import Home
from spawn.runtime.supervisor.footprint import Footprint
from tests.spawn.runtime.supervisor.test_specs import STATE


@pytest.fixture
def footprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Footprint:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return Footprint(Home(tmp_path / "home"))


def test_it_is_there_without_the_state_folder_until_forgotten(
    footprint: Footprint, tmp_path: Path
) -> None:
    assert footprint.read() is None
    footprint.write(STATE)
    assert footprint.read() == STATE
    assert Footprint(Home(tmp_path / "other")).read() is None
    footprint.forget()
    assert footprint.read() is None


def test_one_process_holds_the_lock(footprint: Footprint) -> None:
    with footprint.lock(), pytest.raises(Conflict):
        footprint.lock()
    footprint.lock().close()


def test_a_folder_that_was_prepared_by_somebody_else_is_refused(
    footprint: Footprint, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "tmp" / f"spawn-{os.getuid()}").symlink_to(elsewhere)
    with pytest.raises(Rejected) as caught:
        footprint.write(STATE)
    assert caught.value.field == "TMPDIR"
    assert not list(elsewhere.iterdir())


def test_it_is_marked_as_used(footprint: Footprint, tmp_path: Path) -> None:
    footprint.write(STATE)
    footprint.lock().close()
    files = list((tmp_path / "tmp").glob("*/*"))
    assert len(files) == 2
    for file in files:
        os.utime(file, (0, 0))
    footprint.keep_fresh()
    assert all(file.stat().st_mtime > 0 for file in files)
