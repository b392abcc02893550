"""What is not ready yet, and why."""

from spawn.bus.connection import Bus
from spawn.runtime import metrics


class Health:
    """Readiness of a process: the bus connected, and each of its services open."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self._bus: Bus | None = None
        self._stopping = False
        self._closed = dict.fromkeys(services, "not open yet")
        self._services = len(services)
        metrics.READY.set_function(lambda: float(not self.reasons()))
        for service in services:
            metrics.OPEN.labels(service).set(0)

    @property
    def is_any_open(self) -> bool:
        """Whether at least one service is open, so that there is something to wait for."""
        return len(self._closed) < self._services

    def set_bus(self, bus: Bus) -> None:
        """Note the connection."""
        self._bus = bus

    def set_open(self, service: str) -> None:
        """Note that the service is open."""
        self._closed.pop(service, None)
        metrics.OPEN.labels(service).set(1)

    def set_closed(self, service: str, why: str) -> None:
        """Note that the service is not open."""
        self._closed[service] = why
        metrics.OPEN.labels(service).set(0)

    def set_stopping(self) -> None:
        """Note that the process is being ended."""
        self._stopping = True

    def reasons(self) -> dict[str, str]:
        """Return what is not ready, by part; empty when everything is."""
        reasons = dict(self._closed)
        if self._bus is None or not self._bus.is_connected:
            reasons["bus"] = "not connected"
        if self._stopping:
            reasons["process"] = "stopping"
        return reasons
