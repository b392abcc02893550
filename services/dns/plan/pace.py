"""When the next change goes out: soon when it is quiet, once a second under load."""

from datetime import timedelta

IDLE_WINDOW = timedelta(milliseconds=200)
"""How long changes are gathered before the first one goes out, and between urgent ones."""

WINDOWS = (IDLE_WINDOW, timedelta(milliseconds=600), timedelta(seconds=1))
"""Windows of the first, the second and all further changes without a rest."""

REST = timedelta(seconds=5)
"""After so long without a change it is quiet again."""


class Pace:
    """Gathers changes; `now` is in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._in_a_row = 0
        self._since: float | None = None

    def due(self, *, now: float, urgent: bool) -> float:
        """Return when what waits now is to go out; what is urgent waits as when it is quiet."""
        if self._since is None:
            self._since = now
        if self._last is None or now - self._last > REST.total_seconds():
            self._in_a_row = 0
        busy = WINDOWS[min(self._in_a_row, len(WINDOWS) - 1)]
        window = (IDLE_WINDOW if urgent else busy).total_seconds()
        gathered = self._since + IDLE_WINDOW.total_seconds()
        return gathered if self._last is None else max(gathered, self._last + window)

    def rest(self) -> None:
        """Note that nothing waits any more."""
        self._since = None

    def sent(self, *, now: float) -> None:
        """Note that a change went out."""
        self._last = now
        self._in_a_row += 1
        self._since = None
