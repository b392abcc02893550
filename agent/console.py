"""What the agent says to who reads the machine's console: its standard error."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print a line, at once."""
    print(f"spawn-agent: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the console
