"""How long to wait before a process that died is started again."""

from datetime import timedelta

_FIRST = timedelta(milliseconds=100)
_LONGEST = timedelta(seconds=15)
STEADY = timedelta(seconds=30)
"""A process that lived this long counts as healthy: its next death starts from the first wait."""

_MOST_DOUBLINGS = 20


def restart_delay(deaths: int, *, jitter: float) -> timedelta:
    """Return the wait after the `deaths`-th death in a row; `jitter` in 0..1 takes up to half."""
    if deaths < 1:
        raise ValueError(f"deaths={deaths}: a process that never died needs no restart")
    whole = min(_LONGEST, _FIRST * 2 ** min(deaths - 1, _MOST_DOUBLINGS))
    return whole * (1 - jitter / 2)
