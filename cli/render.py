"""Where output goes and how it looks: tables on a terminal, aligned text in a pipe, JSON."""

import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.exits import Ended, Exit, silence_stdout
from cli.lines import clean

STATE_STYLES = {
    "ready": "green",
    "running": "green",
    "finished": "green",
    "accepted": "cyan",
    "launching": "cyan",
    "pending": "cyan",
    "launched": "cyan",
    "degraded": "yellow",
    "recovered": "yellow",
    "terminating": "yellow",
    "stopping": "yellow",
    "stopped": "yellow",
    "failed": "red",
    "lost": "red",
    "rejected": "red",
    "terminated": "dim",
    "exited": "dim",
}


def note(text: str) -> None:
    """Say something to the person, on stderr."""
    print(clean(text), file=sys.stderr, flush=True)  # noqa: T201 - the CLI's output


def put(text: str) -> None:
    """Write one line of what was asked for, on stdout; end the command when nobody reads it."""
    with _writing():
        print(text, flush=True)  # noqa: T201 - the CLI's output


def put_bytes(data: bytes) -> None:
    """Write bytes on stdout as they are; end the command when nobody reads them."""
    with _writing():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextmanager
def _writing() -> Generator[None]:
    """End the command when stdout takes no more: well when nobody reads it, else with why."""
    try:
        yield
    except BrokenPipeError as error:
        silence_stdout()
        raise Ended(Exit.DONE) from error
    except OSError as error:
        silence_stdout()
        raise Ended(Exit.FAILED, f"the output can't be written: {error.strerror}") from error


def note_bytes(data: bytes) -> None:
    """Write bytes on stderr as they are."""
    sys.stderr.flush()
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def is_coloured(*, on_stderr: bool = False) -> bool:
    """Say whether stdout, or stderr, is a terminal that may be coloured."""
    console = Console(stderr=on_stderr)
    return console.is_terminal and not console.no_color


def put_json(value: Any) -> None:
    """Write a value as one line of JSON, on stdout."""
    put(msgspec.json.encode(value).decode())


def put_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table on stdout: drawn on a terminal, aligned in a pipe."""
    texts = [_texts(row) for row in rows]
    if sys.stdout.isatty():
        with _writing():
            Console().print(_table(columns, texts))
    else:
        put("\n".join(align([[column.upper() for column in columns], *texts])))


Draw = Callable[[str, Sequence[str], Sequence[Sequence[object]]], None]
"""Draws a headline, and under it a table of columns and rows."""


@contextmanager
def redrawn(*, wanted: bool) -> Generator[Draw | None]:
    """Draw in place of what was drawn before; nothing to draw with where that can't be done."""
    if not (wanted and sys.stdout.isatty()):
        yield None
        return
    with Live(console=Console(), auto_refresh=False, vertical_overflow="visible") as live:

        def draw(headline: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
            table = _table(columns, [_texts(row) for row in rows])
            live.update(Group(Text(headline), table), refresh=True)

        yield draw


def style_of(cell: str) -> str:
    """Return how a cell is drawn: by the state that it is, with or without how that ended."""
    state, _, how = cell.partition(" (")
    return "red" if how.startswith("failed") else STATE_STYLES.get(state, "")


def _texts(row: Sequence[object]) -> list[str]:
    return ["-" if cell in (None, "") else clean(str(cell)) for cell in row]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style_of(cell)) for cell in row))
    return table


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad cells so that columns line up; the last one is left as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
