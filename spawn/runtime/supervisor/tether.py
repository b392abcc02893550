"""Become another program that is sent SIGTERM when the process that started it dies.

Run as a file by a bare interpreter (`python -I -S tether.py PARENT PROGRAM ARGUMENT...`), so
that no code has to run between fork and exec of a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html; kept across execve."""


def main() -> None:
    """Tie this process to its parent and run the program; exit 1 if the parent is gone."""
    parent, *program = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # It may have died before the call above, in which case no signal comes.
    if os.getppid() != int(parent):
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - the argv is our own


if __name__ == "__main__":
    main()
