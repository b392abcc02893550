"""Things that may happen once: a name is claimed by whoever is first, for a while."""

from datetime import timedelta

from spawn.bus.connection import Bus
from spawn.bus.identity import new_id
from spawn.bus.jetstream import EXPECTED_SEQUENCE, MESSAGE_ID
from spawn.bus.streams import NONCES_BUCKET
from spawn.errors import Conflict

_PATIENCE = timedelta(seconds=10)


class Once:
    """Claims on names, which all replicas agree about.

    A claim is forgotten after its time, in whole seconds.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def claim(self, name: str, *, lasting: timedelta) -> bool:
        """Say whether the name was free; it is ours then. Raises `Transient` without the bus."""
        headers = {
            EXPECTED_SEQUENCE: "0",
            MESSAGE_ID: new_id(),
            "Nats-TTL": f"{max(1, round(lasting.total_seconds()))}s",
        }
        subject = f"$KV.{NONCES_BUCKET}.{name}"
        try:
            await self._bus.js.publish(subject, b"", headers=headers, patience=_PATIENCE)
        except Conflict:
            return False
        return True
