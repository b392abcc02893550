"""The supervisor's view of what runs, written to both places whenever it changes."""

from typing import Any

import msgspec

from spawn.runtime.files import write_private
from spawn.runtime.home import ChildState, ControlState, Home, read
from spawn.runtime.supervisor.footprint import Footprint
from spawn.telemetry.log import get_logger

_LOG = get_logger(__name__)


class Board:
    """Holds the `ControlState`, and keeps `control.json` and the footprint equal to it."""

    def __init__(self, home: Home, footprint: Footprint, state: ControlState) -> None:
        self._home = home
        self._footprint = footprint
        self.state = state
        write_private(home.control, msgspec.json.encode(state))
        footprint.write(state)

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = msgspec.structs.replace(self.state, **fields)
        # A folder that was deleted stays deleted, and may be another supervisor's by now.
        if not self.is_ours():
            return
        try:
            write_private(self._home.control, msgspec.json.encode(self.state))
            self._footprint.write(self.state)
        except OSError as error:
            # A full disk must not end what runs; the next change writes the whole state again.
            _LOG.error("state not written", error=str(error))  # noqa: TRY400 - no traceback needed

    def change_child(self, child: ChildState) -> None:
        """Put in `child`, in place of the one of its name."""
        others = tuple(old for old in self.state.children if old.name != child.name)
        self.change(children=(*others, child))

    def is_ours(self) -> bool:
        """Say whether the state folder is still there and still speaks of this supervisor."""
        written = read(self._home)
        return written is not None and written.supervisor == self.state.supervisor

    def clear(self, *, cloud_lives: bool) -> None:
        """Remove what was written; the footprint stays while it leads to a living cloud."""
        if not self.is_ours():
            return
        self._home.control.unlink(missing_ok=True)
        if not cloud_lives:
            self._footprint.forget()
