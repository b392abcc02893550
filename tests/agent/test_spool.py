import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import spool, spooling
from agent.spool import SpoolReader
from agent.spooling import Spool


@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=40), min_size=1), size=st.integers(1, 50))
def test_what_is_written_is_read_at_its_position(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], size: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    writer = Spool(folder, 1 << 20)
    for piece in pieces:
        writer.write(piece)
    data, reader = b"".join(pieces), SpoolReader(folder)
    assert reader.end() == writer.end == len(data)
    assert b"".join(reader.read(at, size) for at in range(0, len(data), size)) == data
    assert reader.tail(len(data), size) == data[-size:]


def test_a_writer_that_comes_back_goes_on_behind_the_last_byte(tmp_path: Path) -> None:
    Spool(tmp_path, 100).write(b"one\n")
    again = Spool(tmp_path, 100)
    again.write(b"two\n")
    assert SpoolReader(tmp_path).read(0, 100) == b"one\ntwo\n"


def test_segments_are_removed_once_sent_and_old(tmp_path: Path) -> None:
    writer = Spool(tmp_path, 1 << 30)
    count = spool.KEEP_BYTES // spooling.SEGMENT + 3
    for _ in range(count):
        writer.write(b"x" * spooling.SEGMENT)
    reader = SpoolReader(tmp_path)
    reader.forget(0)
    assert reader.segments()[0][0] == 0
    reader.forget(writer.end)
    assert reader.segments()[0][0] == 3 * spooling.SEGMENT
    assert reader.end() == writer.end
    assert reader.read(0, 10) == b""


def test_a_full_spool_takes_more_once_segments_are_gone(tmp_path: Path) -> None:
    writer = Spool(tmp_path, 2 * spooling.SEGMENT)
    for _ in range(2):
        writer.write(b"x" * (spooling.SEGMENT - 1) + b"\n")
    writer.write(b"lost\n")
    (tmp_path / f"{0:016d}").unlink()
    writer.write(b"kept\n")
    note = b"[spawn: 5 bytes of output are left out here: the spool was full]\n"
    assert SpoolReader(tmp_path).read(2 * spooling.SEGMENT, 200) == note + b"kept\n"


@contextmanager
def files_of_at_most(size: int) -> Generator[None]:
    """Let writes of this process fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_a_full_disk_did_not_take_is_counted_to_the_byte(tmp_path: Path) -> None:
    writer = Spool(tmp_path, 1 << 20)
    with files_of_at_most(20):
        writer.write(b"begin\n")
        for _ in range(3):
            writer.write(b"x" * 50 + b"\n")
            writer.note()
    writer.write(b"end\n")
    note = b"[spawn: 139 bytes of output are left out here: the spool was full]\n"
    written = b"begin\n" + b"x" * 14 + b"\n" + note + b"end\n"
    assert SpoolReader(tmp_path).read(0, 1000) == written
    assert writer.end == len(written)
