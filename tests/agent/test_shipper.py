"""Output on its way to a bus that loses what it is sent, or its own answers."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.clock import Clock
from agent.link import Away
from agent.places import Places
from agent.shipper import Shipper, Source, load_progress
from agent.spooling import Spool
from agent.subjects import Subjects

SOURCE = Source(Subjects("training-abcdefghijkl", "i-1"), rank=3, generation=2)
LONG, NO_TIME = timedelta(seconds=60), timedelta(0)
PIECES = st.lists(st.lists(st.integers(0, 10**6), min_size=1), min_size=1, max_size=5).map(
    lambda pieces: [b"".join(b"%d\n" % each for each in piece) for piece in pieces]
)


class Fate(Enum):
    """What becomes of one message."""

    TAKEN = "stored, and said so"
    UNANSWERED = "stored, and the answer is lost"
    LOST = "lost"
    FATAL = "stored, and the agent is killed before the answer"


class Killed(Exception):  # noqa: N818 - what happens to an agent, not an error
    """The agent is no more."""


class ScriptedBus:
    """Stores a message id once; each message under way lets the job print another piece."""

    def __init__(self, fates: Iterator[Fate], print_more: Callable[[], None]) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.sent: list[tuple[str, bytes]] = []
        self.stored: dict[str, tuple[int, int, bytes]] = {}
        self._fates = fates
        self._print_more = print_more

    async def store(self, subject: str, body: bytes, headers: Mapping[str, str]) -> None:
        assert subject == "spawn.log.training-abcdefghijkl.3"
        fate = next(self._fates, Fate.TAKEN)
        message_id = headers["Nats-Msg-Id"]
        self.sent.append((message_id, body))
        self._print_more()
        if fate is not Fate.LOST:
            first, lines = int(headers["spawn-first-line"]), int(headers["spawn-lines"])
            self.stored.setdefault(message_id, (first, lines, body))
        if fate is Fate.FATAL:
            raise Killed
        if fate is not Fate.TAKEN:
            raise Away(fate.value)

    def output(self) -> bytes:
        """Return all that is stored; fail when a line's number is missing or comes again."""
        expected = 0
        for first, lines, data in self.stored.values():
            assert first == expected
            assert data.count(b"\n") == lines
            expected += lines
        return b"".join(data for _, _, data in self.stored.values())


class Hurried(Clock):
    """A clock on which no pause takes time."""

    async def sleep(self, duration: timedelta) -> None:
        """Go on at once."""


async def ship(root: Path, pieces: list[bytes], *fates: Fate) -> ScriptedBus:
    """Print the pieces and send them, by a new agent whenever one is killed."""
    where = Places(root)
    spool, left = Spool(where.spool, 1 << 30), iter(pieces)
    bus = ScriptedBus(iter(fates), lambda: spool.write(next(left, b"")))
    spool.write(next(left))
    total, file = len(b"".join(pieces)), where.job / "shipped.json"
    while load_progress(file, SOURCE.generation).position < total:
        shipper = Shipper(where, SOURCE, Hurried())
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(shipper.run(bus))
                assert await shipper.until_shipped(total, patience=LONG)
                running.cancel()
        except* Killed:
            pass
    return bus


@pytest.mark.parametrize("fate", [Fate.UNANSWERED, Fate.LOST, Fate.FATAL])
async def test_a_block_sent_again_has_the_same_lines_though_there_are_more_by_now(
    tmp_path: Path, fate: Fate
) -> None:
    bus = await ship(tmp_path, [b"0\n1\n", b"2\n", b"3\n"], fate)
    assert bus.sent[0] == bus.sent[1] == ("training-abcdefghijkl/3/2/0", b"0\n1\n")
    assert bus.sent[2] == ("training-abcdefghijkl/3/2/2", b"2\n3\n")
    assert bus.output() == b"0\n1\n2\n3\n"


@settings(max_examples=15, deadline=None)
@given(pieces=PIECES, fates=st.lists(st.sampled_from(Fate), max_size=5))
def test_every_line_is_stored_once_and_in_order_whatever_is_lost(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], fates: list[Fate]
) -> None:
    bus = asyncio.run(ship(tmp_path_factory.mktemp("job"), pieces, *fates))
    assert bus.output() == b"".join(pieces)
    assert all(bus.stored[message_id][2] == body for message_id, body in bus.sent)


async def test_who_waits_for_output_that_nobody_takes_gives_up(tmp_path: Path) -> None:
    shipper = Shipper(Places(tmp_path), SOURCE, Hurried())
    assert not await shipper.until_shipped(1, patience=NO_TIME)
    assert await shipper.until_shipped(0, patience=NO_TIME)
