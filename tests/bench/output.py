"""The way of a job's output: from what it writes to what `spawn logs` prints."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from agent.lines import LARGEST_BLOCK
from spawn.contracts.logs import STREAM
from tests.bench.plain import Plain, plain
from tests.bench.plane import Control
from tests.bench.results import Output
from tests.fixtures.control import Plane
from tests.fixtures.jobs import begin, members
from tests.fixtures.nats import connected, running_server

_NAME = "chatty"
_LINE = b"line %d of a job that tells how it gets on, its rate and its loss\n"
_COMMAND = """echo begun
until [ -e "$SPAWN_ROOT/go" ]; do sleep 0.02; done
seq -f 'line %.0f of a job that tells how it gets on, its rate and its loss' {lines}
"""


async def output(control: Control, folder: Path, *, lines: int) -> Output:
    """Measure how fast so many lines of one job come out, and could."""
    plane = control.plane
    await begin(plane, _NAME, _COMMAND.format(lines=lines), "--keep")
    seconds = await _read(plane, lines)
    ended = await plane.run("terminate", _NAME, "--yes")
    assert ended.code == 0, ended.err
    ceiling = await _ceiling(folder, lines)
    return Output(lines=lines, per_second=lines / seconds, ceiling=lines / ceiling)


async def _read(plane: Plane, lines: int) -> float:
    """Let the job go once it is heard; return how long its lines took."""
    reading = await plane.start("logs", _NAME, "--follow", "--no-prefix")
    assert reading.stdout is not None
    try:
        assert await reading.stdout.readline() == b"begun\n"
        (member,) = await members(plane, _NAME)
        begun = time.perf_counter()
        member.let_go()
        left = lines
        while left:
            piece = await reading.stdout.read(1 << 20)
            assert piece, f"{left} lines are missing"
            left -= piece.count(b"\n")
        return time.perf_counter() - begun
    finally:
        reading.terminate()
        await reading.communicate()


async def _ceiling(folder: Path, lines: int) -> float:
    """Return how long nats-py by itself takes, with what it writes and reads side by side."""
    await asyncio.to_thread(folder.mkdir)
    blocks = list(_blocks(lines))
    async with (
        running_server(folder) as server,
        connected(server),
        plain(server.url) as writer,
        plain(server.url) as reader,
    ):
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(_write(writer, blocks))
            group.create_task(reader.consume(STREAM, len(blocks)))
        return time.perf_counter() - begun


async def _write(client: Plain, blocks: list[bytes]) -> None:
    await client.publish_window(("spawn.log.bench-aaaaaaaaaaaa.0", each, {}) for each in blocks)


def _blocks(lines: int) -> Iterator[bytes]:
    """Yield the job's lines in blocks as large as an agent sends."""
    text = b"".join(_LINE % number for number in range(1, lines + 1))
    while text:
        end = text.rfind(b"\n", 0, LARGEST_BLOCK) + 1
        yield text[:end]
        text = text[end:]
