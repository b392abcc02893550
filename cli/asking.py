"""Asking before something ends."""

import asyncio
import sys

import typer

_YES, _NO = ("y", "yes"), ("", "n", "no")


async def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal unless `yes`; raise `typer.Abort` when the answer is no, or Ctrl-C.

    The loop goes on meanwhile: a connection that answers nobody while one thinks is closed, and
    a Ctrl-C that comes just before a blocking read is not heard.
    """
    if yes or not sys.stdin.isatty():
        return
    try:
        while (answer := await _answer(f"{question} [y/N]: ")) not in _YES:
            if answer in _NO:
                raise typer.Abort
            typer.echo("answer y or n", err=True)
    except asyncio.CancelledError as error:
        raise typer.Abort from error


async def _answer(prompt: str) -> str:
    """Return the line that is typed next; raise `typer.Abort` when there is none."""
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        typer.echo(prompt, nl=False, err=True)
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    # A terminal has something to read when a whole line is there, or its end.
    if not (line := sys.stdin.readline()):
        raise typer.Abort
    return line.strip().lower()
