"""What is remembered outside of the state folder."""

import fcntl
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


def test_one_holds_the_lock_and_its_file_goes_with_the_record(
    footprint: Footprint, tmp_path: Path
) -> None:
    with footprint.locked():
        footprint.write(STATE)
        with pytest.raises(Conflict), footprint.locked():
            pytest.fail("there are two")
    assert len(list((tmp_path / "tmp").glob("*/*.lock"))) == 1
    with footprint.locked():
        footprint.forget()
    assert not list((tmp_path / "tmp").glob("*/*"))


def test_a_lock_whose_file_was_removed_is_no_lock(footprint: Footprint, tmp_path: Path) -> None:
    with footprint.locked():
        (lock,) = (tmp_path / "tmp").glob("*/*.lock")
        opened = lock.open("ab")
    with opened, footprint.locked():
        # Whoever opened it before it went can lock it, but has nothing by that.
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(Conflict), footprint.locked():
            pytest.fail("there are two")


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
    with footprint.locked():
        pass
    files = list((tmp_path / "tmp").glob("*/*"))
    assert len(files) == 2
    for file in files:
        os.utime(file, (0, 0))
    footprint.keep_fresh()
    assert all(file.stat().st_mtime > 0 for file in files)
