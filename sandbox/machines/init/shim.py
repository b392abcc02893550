"""Stands in a machine's PATH as systemctl, systemd-run, shutdown, poweroff, reboot and halt.

Run by path and on its own: it asks the machine's init over the socket beside its folder.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

_SOCKET = "init.sock"
_NOTHING: dict[str, Any] = {"code": 0, "out": "", "err": "", "execute": []}


def main() -> int:
    """Hand the call to the init, print its answer, end with its code."""
    program, directory = Path(sys.argv[0]).name, Path.cwd()
    # From inside the folder, for the path of a socket must be short.
    os.chdir(Path(__file__).resolve().parent.parent)
    asked = {"program": program, "arguments": sys.argv[1:], "directory": str(directory)}
    try:
        answer = _ask(asked)
    except OSError as error:
        sys.stderr.write(f"{program}: the machine's init does not answer: {error}\n")
        return 1
    os.chdir(directory)
    sys.stdout.write(answer["out"])
    sys.stderr.write(answer["err"])
    sys.stdout.flush()
    if answer["execute"]:
        os.execvp(answer["execute"][0], answer["execute"])  # noqa: S606  what the caller asked to run
    return int(answer["code"])


def _ask(asked: dict[str, Any]) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(_SOCKET)
        connection.sendall(json.dumps(asked).encode() + b"\n")
        with connection.makefile("rb") as reply:
            line = reply.readline()
    # Without an answer the machine is going down, as was asked.
    return json.loads(line) if line else _NOTHING


if __name__ == "__main__":
    sys.exit(main())
