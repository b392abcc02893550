"""`python -m sandbox.machines.init FOLDER`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from sandbox.machines.folder import Folder
from sandbox.machines.init.isolation import see_as_hosts
from sandbox.machines.init.machine import boot
from spawn.clock import SystemClock

_BEHIND = 10
"""How far a machine and its job stand behind what else the host does, the control plane first."""


def main() -> int:
    """Run one boot of the machine in FOLDER; return how it ended."""
    # Ctrl-C and the end of a session are the sandbox's to hear: it tells this process.
    # By a handler, for a signal that is ignored stays so in every program that it starts.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _no_matter)
    os.nice(_BEHIND)
    folder = Folder(Path(sys.argv[1]))
    plan = folder.read_plan()
    nameless = see_as_hosts(Path(plan.hosts))
    return asyncio.run(boot(folder, plan, SystemClock(), lacks=nameless))


def _no_matter(_number: int, _frame: object) -> None:
    """Do nothing."""


if __name__ == "__main__":
    sys.exit(main())
