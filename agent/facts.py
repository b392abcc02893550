"""What a machine's hello says of itself."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import Any

from agent import sshkeys
from agent.accounts import Account, own_account
from agent.console import say


def gather(root: Path, account: Account, *, peer_ssh: bool) -> dict[str, Any]:
    """Return the facts; keys only with `peer_ssh`, and where ssh-keygen can make them."""
    facts: dict[str, Any] = {
        "hostname": socket.gethostname(),
        "slots": len(os.sched_getaffinity(0)),
    }
    if peer_ssh:
        try:
            facts["host_key"] = sshkeys.host_key(root, own_account(root))
            facts["user_key"] = sshkeys.user_key(account)
        except (OSError, subprocess.SubprocessError) as error:
            say(f"no ssh between members: {error}")
    return facts
