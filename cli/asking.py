"""Asking before something ends."""

import sys

import typer


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal unless `yes`; raise `typer.Abort` when the answer is no."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)
