"""Private files and folders."""

from pathlib import Path

import pytest

from spawn.errors import Rejected
from spawn.runtime.files import make_private_folder, write_private


def test_a_file_is_replaced_whole_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for content in (b"first", b"second"):
        write_private(path, content)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="folder"):
        write_private(path, b"x")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("entries", "mode", "after"),
    [
        (None, 0, 0o700),
        ([], 0o755, 0o700),
        (["mark", "other"], 0o755, 0o700),
        (["other"], 0o700, 0o700),
    ],
    ids=["absent: made", "empty: closed", "ours: closed", "closed already: left"],
)
def test_a_folder_becomes_private(
    tmp_path: Path, entries: list[str] | None, mode: int, after: int
) -> None:
    folder = tmp_path / "a" / "b"
    if entries is not None:
        folder.mkdir(parents=True)
        for entry in entries:
            (folder / entry).touch()
        folder.chmod(mode)
    make_private_folder(folder, ours="mark", variable="SPAWN_HOME")
    assert folder.stat().st_mode & 0o777 == after


def test_somebody_elses_open_folder_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(Rejected) as caught:
        make_private_folder(tmp_path, ours="mark", variable="SPAWN_HOME")
    assert caught.value.field == "SPAWN_HOME"
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_what_machines_leave_in_an_open_folder_keeps_nobody_out(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "sandbox").mkdir()
    make_private_folder(tmp_path, ours="mark", variable="SPAWN_HOME", left="sandbox")
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(Rejected, match="holds other files"):
        make_private_folder(tmp_path, ours="mark", variable="SPAWN_HOME", left="sandbox")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Rejected):
            make_private_folder(path, ours="mark", variable="SPAWN_HOME")
