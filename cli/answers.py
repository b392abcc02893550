"""What members answer to an exec: their output line by line, and their exit codes."""

from collections.abc import Collection
from typing import Protocol

import msgspec

from cli.output import Prefix, Write, as_text, split_lines
from cli.render import note_bytes, put_bytes, put_json
from spawn.contracts.reports import ExecOutput

STDOUT, STDERR = "stdout", "stderr"


class Lines:
    """Cuts a flow of bytes into whole lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are whole now."""
        whole, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._rest += data
            return []
        lines = split_lines(self._rest + whole + newline)
        self._rest = rest
        return lines

    def finish(self) -> list[bytes]:
        """Return the line that was never ended, if there is one."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


class Shown(Protocol):
    """Where answers go."""

    def lines(self, rank: int, stream: str, lines: list[bytes]) -> None:
        """Show whole lines of a member."""
        ...

    def exited(self, rank: int, code: int) -> None:
        """Show that a member's command has ended."""
        ...


class TextAnswers:
    """Shows answers behind the member's name, each stream where it belongs."""

    def __init__(self, prefix: Prefix) -> None:
        self._prefix = prefix
        self._writes: dict[str, Write] = {STDOUT: put_bytes, STDERR: note_bytes}

    def lines(self, rank: int, stream: str, lines: list[bytes]) -> None:
        """Write whole lines of a member."""
        self._writes.get(stream, put_bytes)(self._prefix.put_before(rank, lines))

    def exited(self, rank: int, code: int) -> None:
        """Write nothing: the command's last word says who failed."""


class AnswerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as JSON; `base64` holds what it is made of when that is no text in UTF-8."""

    rank: int
    stream: str
    text: str
    base64: str | msgspec.UnsetType = msgspec.UNSET


class AnswerEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a member's command as JSON."""

    rank: int
    exit_code: int


class JsonAnswers:
    """Shows answers as objects."""

    def lines(self, rank: int, stream: str, lines: list[bytes]) -> None:
        """Write an object for each line."""
        for line in lines:
            text, encoded = as_text(line)
            put_json(AnswerLine(rank=rank, stream=stream, text=text, base64=encoded))

    def exited(self, rank: int, code: int) -> None:
        """Write an object for the end of a member's command."""
        put_json(AnswerEnd(rank=rank, exit_code=code))


class Answers:
    """The answers of those that were asked; `codes` by rank, `left` who has not ended.

    `lost` are those whose machine has ended before its command did.
    """

    def __init__(self, ranks: Collection[int], shown: Shown) -> None:
        self._shown = shown
        self._flows: dict[tuple[int, str], Lines] = {}
        self.left = set(ranks)
        self.codes: dict[int, int] = {}
        self.lost: set[int] = set()

    def take(self, rank: int, said: ExecOutput) -> None:
        """Show one answer; what comes behind a member's exit code is none."""
        if rank not in self.left:
            return
        flow = self._flows.setdefault((rank, said.stream), Lines())
        self._show(rank, said.stream, flow.feed(said.data))
        if said.exit_code is not None:
            self._end(rank, said.exit_code)

    def lose(self, rank: int) -> None:
        """Expect nothing more of a member whose machine has ended."""
        if rank in self.left:
            self.left.discard(rank)
            self.lost.add(rank)

    def _end(self, rank: int, code: int) -> None:
        for (owner, stream), flow in self._flows.items():
            if owner == rank:
                self._show(rank, stream, flow.finish())
        self.left.discard(rank)
        self.codes[rank] = code
        self._shown.exited(rank, code)

    def _show(self, rank: int, stream: str, lines: list[bytes]) -> None:
        if lines:
            self._shown.lines(rank, stream, lines)
