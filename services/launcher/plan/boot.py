"""The text that a machine boots with, the same for all machines of a chunk."""

import shlex
from datetime import timedelta

from spawn.contracts.arrays import Array, Boot, Chunk
from spawn.contracts.leases import format_instant
from spawn.errors import Rejected

LARGEST_USER_DATA = 8 * 1024
"""Bytes; EC2 takes 16 KiB (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html)."""

CAP_AFTER = timedelta(minutes=10)
"""How long after its time-to-live a machine ends whatever its wall clock says."""


def render_user_data(template: str, array: Array, chunk: Chunk, boot: Boot) -> str:
    """Fill the boot template: each `@NAME@` becomes a value quoted for the shell.

    Raises `Rejected` when the result is larger than user-data may be.
    """
    cap = array.lease.until - array.accepted_at + CAP_AFTER
    values = {
        "DEPLOYMENT": array.deployment,
        "ARRAY_ID": array.id,
        "RANKS": chunk.ranks,
        "GENERATION": str(chunk.generation),
        "LEASE": format_instant(array.lease.until),
        "LEASE_ACTION": array.lease.action.value,
        "TTL_CAP": str(int(cap.total_seconds())),
        "BUS_URL": boot.bus_url,
        "BUS_FINGERPRINT": boot.bus_fingerprint,
        "AGENT_URL": boot.agent_url,
        "AGENT_SHA256": boot.agent_sha256,
    }
    text = template
    for name, value in values.items():
        text = text.replace(f"@{name}@", shlex.quote(value))
    size = len(text.encode())
    if size > LARGEST_USER_DATA:
        raise Rejected(f"the boot script has {size} bytes, {LARGEST_USER_DATA} fit")
    return text
