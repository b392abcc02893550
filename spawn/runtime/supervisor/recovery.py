"""What an earlier supervisor of this state folder left behind, and ending it."""

import http.client
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from spawn.runtime.home import ControlState, Home, SandboxFacts, read
from spawn.runtime.processes import ProcessRef, end, is_alive, refer
from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.probe import ask
from spawn.runtime.supervisor.readiness import read_sandbox_file
from spawn.runtime.supervisor.specs import CLOUD

_GRACE = timedelta(seconds=10)


class Leftovers(msgspec.Struct, frozen=True):
    """Living processes of an earlier supervisor, and the cloud that it was on."""

    processes: tuple[ProcessRef, ...] = ()
    """nats-server and services."""
    cloud: ProcessRef | None = None
    facts: SandboxFacts | None = None


def find(home: Home, footprint: Footprint) -> Leftovers:
    """Return what still runs, according to the state folder and to the footprint."""
    states = [state for state in (read(home), footprint.read()) if state is not None]
    refs = {child.process for state in states for child in state.children if child.name != CLOUD}
    cloud, facts = _cloud(home, states)
    return Leftovers(processes=tuple(filter(is_alive, refs)), cloud=cloud, facts=facts)


def end_processes(leftovers: Leftovers) -> None:
    """End everything but the cloud, and wait until it is gone. Blocks."""
    end(leftovers.processes, grace=_GRACE)


def _cloud(
    home: Home, states: Iterable[ControlState]
) -> tuple[ProcessRef | None, SandboxFacts | None]:
    for state in states:
        child = state.child(CLOUD)
        if child is not None and is_alive(child.process) and state.sandbox is not None:
            return child.process, state.sandbox
    # It may have been started, but not yet written down, when its supervisor was killed.
    facts = read_sandbox_file(home)
    if facts is None or not _is_that_cloud(facts):
        return None, None
    return refer(facts.pid), facts


def _is_that_cloud(facts: SandboxFacts) -> bool:
    """Ask it by its token: the pid in a stale file may be anybody's by now."""
    try:
        status, _ = ask(f"{facts.endpoint}/_spawn/state", token=facts.admin_token)
    except OSError:
        return False
    return status == http.client.OK
