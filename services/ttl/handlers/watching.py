"""What is held of idleness while it is watched: which arrays, and what their machines said."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.ttl.model import Idling
from services.ttl.plan.idle import Course, note
from services.ttl.plan.idling import idling_of
from spawn.bus.ports import CaughtUp, Change, Deleted, Entry, Reported, Restarted
from spawn.contracts.arrays import Array
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.reports import Heartbeat


class Watch:
    """Arrays whose idleness counts, and what is known of their machines: a little for each.

    Nothing of it outlives its replica: what it has not heard itself has to count as work.
    """

    def __init__(self) -> None:
        self.arrays: dict[ArrayId, Idling] = {}
        self._courses: dict[ArrayId, dict[InstanceId, Course]] = {}
        self._looked: dict[ArrayId, datetime] = {}

    def take(self, change: Change[Array]) -> None:
        """Take what is written of arrays."""
        match change:
            case Entry(value=array):
                idling = idling_of(array)
                if idling is None:
                    self._forget(array.id)
                else:
                    self.arrays[array.id] = idling
            case Deleted(key=key):
                self._forget(ArrayId(key))
            case Restarted():
                for array_id in tuple(self.arrays):
                    self._forget(array_id)
            case CaughtUp():
                pass

    def hear(self, said: Reported[Heartbeat], now: datetime) -> None:
        """Take a heartbeat, where it counts."""
        if said.array_id in self.arrays:
            courses = self._courses.setdefault(said.array_id, {})
            courses[said.instance_id] = note(courses.get(said.instance_id), said.report, now)

    def courses(
        self, array_id: ArrayId, members: Iterable[InstanceId]
    ) -> dict[InstanceId, Course]:
        """Return what is known of an array's machines, and forget others."""
        known = self._courses.get(array_id, {})
        self._courses[array_id] = {each: known[each] for each in members if each in known}
        return self._courses[array_id]

    def drop(self, array_id: ArrayId, instance_id: InstanceId) -> None:
        """Forget what is known of a machine."""
        self._courses.get(array_id, {}).pop(instance_id, None)

    def due(self, now: datetime, every: timedelta) -> list[Idling]:
        """Return the arrays that were not looked at for that long, and note that they are now."""
        due = [
            idling
            for array_id, idling in self.arrays.items()
            if array_id not in self._looked or now - self._looked[array_id] >= every
        ]
        self._looked.update((idling.array_id, now) for idling in due)
        return due

    def _forget(self, array_id: ArrayId) -> None:
        self.arrays.pop(array_id, None)
        self._courses.pop(array_id, None)
        self._looked.pop(array_id, None)
