"""What one replica of the spot watcher remembers: whose instances are, and what it reads."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from services.spot_watcher.model import Holder
from spawn.bus.mirror import Mirror
from spawn.bus.ports import Change, Deleted, Entry, Restarted
from spawn.contracts.arrays import Array
from spawn.contracts.ids import InstanceId
from spawn.contracts.members import Member
from spawn.contracts.notices import Watch


class Memory:
    """This replica's copies of arrays and members, and the regions that it watches.

    `stirred` is set when the regions to watch may be others, or one was set up.
    """

    def __init__(self) -> None:
        self.arrays = Mirror[Array]()
        self.stirred = asyncio.Event()
        self.set_up: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._members = Mirror[Member]()
        self._holders: dict[InstanceId, Holder] = {}
        self._named: dict[str, tuple[InstanceId, ...]] = {}
        self._watched: dict[str, Watch] = {}

    async def known(self) -> None:
        """Return once every record has been read."""
        await self.arrays.caught_up.wait()
        await self._members.caught_up.wait()

    def holder(self, instance_id: InstanceId) -> Holder | None:
        """Return the member that an instance is or was, None for what is nobody's."""
        return self._holders.get(instance_id)

    def regions(self) -> set[str]:
        """Return the regions of arrays that live."""
        return {array.region for array in self._living()}

    def spot_regions(self) -> set[str]:
        """Return the regions of arrays that live and use spot capacity."""
        return {array.region for array in self._living() if array.spec.uses_spot}

    @property
    def watched(self) -> Mapping[str, Watch]:
        """What is read, by region."""
        return MappingProxyType(self._watched)

    def note_watch(self, watch: Watch) -> None:
        """Remember whether a region's queue is read."""
        self._watched[watch.region] = watch

    def forget_watch(self, region: str) -> None:
        """Forget a region that is watched no more."""
        self._watched.pop(region, None)

    def note_array(self, change: Change[Array]) -> None:
        """Take what the watch of the arrays yields."""
        before = self.regions(), self.spot_regions()
        self.arrays.take(change)
        if before != (self.regions(), self.spot_regions()):
            self.stirred.set()

    def note_member(self, change: Change[Member]) -> None:
        """Take what the watch of the members yields."""
        self._members.take(change)
        match change:
            case Entry(key=key, value=member) if self._members.get(key) is change:
                self._forget(key)
                self._remember(key, member)
            case Deleted(key=key):
                self._forget(key)
            case Restarted():
                self._holders.clear()
                self._named.clear()
            case _:
                pass

    def _remember(self, key: str, member: Member) -> None:
        held = {
            former.instance.id: Holder(member.array_id, member.rank, former.generation)
            for former in member.formers
        }
        held[member.instance.id] = Holder(member.array_id, member.rank, member.generation)
        self._holders |= held
        self._named[key] = tuple(held)

    def _forget(self, key: str) -> None:
        for instance_id in self._named.pop(key, ()):
            self._holders.pop(instance_id, None)

    def _living(self) -> list[Array]:
        arrays = (entry.value for entry in self.arrays.items().values())
        return [array for array in arrays if not array.state.is_over]
