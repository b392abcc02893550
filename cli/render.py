"""Where output goes and how it looks: tables on a terminal, aligned text in a pipe, JSON."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.lines import clean

STATE_STYLES = {
    "ready": "green",
    "running": "green",
    "accepted": "cyan",
    "launching": "cyan",
    "pending": "cyan",
    "launched": "cyan",
    "degraded": "yellow",
    "recovered": "yellow",
    "terminating": "yellow",
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
    """Write one line of what was asked for, on stdout."""
    print(text, flush=True)  # noqa: T201 - the CLI's output


def put_json(value: Any) -> None:
    """Write a value as one line of JSON, on stdout."""
    put(msgspec.json.encode(value).decode())


def put_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table on stdout: drawn on a terminal, aligned in a pipe."""
    texts = [["-" if cell in (None, "") else clean(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        put("\n".join(align([[column.upper() for column in columns], *texts])))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in texts:
        table.add_row(*(Text(cell, STATE_STYLES.get(cell, "")) for cell in row))
    Console().print(table)


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad cells so that columns line up; the last one is left as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
