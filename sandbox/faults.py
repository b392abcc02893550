"""Faults on demand: each one hits the next calls of an API, then it is used up."""

import msgspec

from sandbox.behaviour import ANY, Fault
from sandbox.request import Call


class Faults:
    """Faults that are still to happen, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let `fault` hit the next calls that match it."""
        self._waiting.append(fault)

    def waiting(self) -> tuple[Fault, ...]:
        """Return the faults that are not used up, with the count that is left."""
        return tuple(self._waiting)

    def clear(self) -> None:
        """Forget every fault."""
        self._waiting.clear()

    def strike(self, call: Call) -> Fault | None:
        """Return the fault that hits `call`, and use it once."""
        for index, fault in enumerate(self._waiting):
            if not _matches(fault, call):
                continue
            if fault.count == 1:
                del self._waiting[index]
            else:
                self._waiting[index] = msgspec.structs.replace(fault, count=fault.count - 1)
            return fault
        return None


def _matches(fault: Fault, call: Call) -> bool:
    return (
        fault.service in {ANY, call.service}
        and fault.api in {ANY, call.action}
        and fault.region in {None, call.region}
    )
