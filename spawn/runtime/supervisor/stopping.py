"""`spawn down`, without its words: end the control plane, whatever is left of it."""

from contextlib import suppress
from datetime import timedelta

import msgspec

from spawn.errors import Conflict
from spawn.runtime.home import ControlState, Home, read
from spawn.runtime.processes import end, is_alive
from spawn.runtime.settings import load
from spawn.runtime.supervisor import recovery
from spawn.runtime.supervisor.folders import clear_cloud, purge
from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.settings import SupervisorSettings

_PROCESSES_IN_A_ROW = 3
"""The services, the cloud and the bus end one after the other."""

_SLACK = timedelta(seconds=5)


class Down(msgspec.Struct, frozen=True):
    """What was ended: process names, and whether a laptop cloud was among them."""

    ended: tuple[str, ...]
    cloud: bool


def down(home: Home, *, purging: bool = False) -> Down:
    """End everything and wait until it is gone; with `purging` remove the state folder. Blocks.

    Streams stay, except those about a laptop cloud, which are only true while it lives.
    """
    footprint = Footprint(home)
    states = [state for state in (read(home), footprint.read()) if state is not None]
    left = recovery.find(home, footprint)
    names = _living(states)
    drain = load(SupervisorSettings).drain_timeout
    supervisors = {state.supervisor for state in states}
    end(supervisors, grace=drain * _PROCESSES_IN_A_ROW + _SLACK)
    done = Down(ended=names, cloud=left.cloud is not None)
    # Held by another: one has been started meanwhile, and what is there now is its own.
    with suppress(Conflict), footprint.locked():
        # Looked for before and after: it may have started a process meanwhile.
        for found in (left, recovery.find(home, footprint)):
            cloud = () if found.cloud is None else (found.cloud,)
            end((*found.processes, *cloud), grace=drain)
        _tidy(home, footprint, purging=purging)
    return done


def _tidy(home: Home, footprint: Footprint, *, purging: bool) -> None:
    home.control.unlink(missing_ok=True)
    footprint.forget()
    clear_cloud(home)
    if purging:
        purge(home)


def _living(states: list[ControlState]) -> tuple[str, ...]:
    names = [child.name for state in states for child in state.children if is_alive(child.process)]
    names += ["supervisor" for state in states if is_alive(state.supervisor)]
    return tuple(dict.fromkeys(names))
