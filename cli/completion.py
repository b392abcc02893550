"""Completion of array names: quick, and silent when nothing answers."""

import asyncio
from datetime import timedelta

from cli.lookup import words_to_complete
from spawn.errors import Outcome

_WITHIN = timedelta(milliseconds=800)
"""A shell that hangs on a tab key is worse than one that completes nothing."""


def complete_array(incomplete: str) -> list[str]:
    """Return names of living arrays that begin with what was typed."""
    try:
        return asyncio.run(_complete(incomplete))
    except (Outcome, TimeoutError, OSError):
        return []


async def _complete(incomplete: str) -> list[str]:
    # Commands that never reach the bus have arguments to complete, too: they start without it.
    from cli.plane import open_plane, within  # noqa: PLC0415 - says the line above

    async with within(_WITHIN), open_plane() as plane:
        return words_to_complete(await plane.all_arrays(), incomplete)
