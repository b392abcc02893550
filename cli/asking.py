"""Asking before something ends."""

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal unless `yes`; raise `typer.Abort` when the answer is no."""
    if not yes and sys.stdin.isatty():
        with _interruptible():
            typer.confirm(question, abort=True, err=True)


@contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C end the question: asyncio's handler waits for the loop, which waits for us."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
