"""The socket on which the init answers its shims."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec

from sandbox.machines.folder import SOCKET
from sandbox.machines.init.commands import Commands
from sandbox.machines.init.messages import Answer, Asked

_LIMIT = 4 * 1024 * 1024
"""Bytes of one call: more than an argument list can be."""


@asynccontextmanager
async def answering(folder: Path, commands: Commands) -> AsyncGenerator[None]:
    """Answer shims inside the block."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await _answer(commands, await reader.readline())
            writer.write(msgspec.json.encode(answer) + b"\n")
            with suppress(ConnectionError):
                await writer.drain()
        finally:
            writer.close()

    with _listening(folder) as listener:
        server = await asyncio.start_unix_server(serve, sock=listener, limit=_LIMIT)
        try:
            yield
        finally:
            server.close()


@contextmanager
def _listening(folder: Path) -> Generator[socket.socket]:
    # From inside the folder, for the path of a socket must be short.
    os.chdir(folder)
    path = Path(SOCKET)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(SOCKET)
        path.chmod(0o600)
        yield listener
    path.unlink(missing_ok=True)


async def _answer(commands: Commands, line: bytes) -> Answer:
    try:
        return await commands.answer(msgspec.json.decode(line, type=Asked))
    except msgspec.DecodeError as error:
        return Answer(1, err=f"the call can't be read: {error}\n")
