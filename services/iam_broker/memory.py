"""What one replica of the IAM broker remembers: copies and hints, never the truth."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from spawn.bus.mirror import Mirror
from spawn.bus.ports import Change, Deleted, Entry, Restarted
from spawn.contracts.grants import Grant
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import Described, InstanceState
from spawn.contracts.members import Member, member_key
from spawn.errors import Outcome

TRUSTED_FOR = timedelta(minutes=10)
"""How long what was looked at in IAM is taken to be as it was."""


class Roster:
    """This replica's copy of the members, by instance.

    `stirred` is set when an instance has ended, or has been replaced, since it was cleared.
    """

    def __init__(self) -> None:
        self._members = Mirror[Member]()
        self._keys: dict[InstanceId, str] = {}
        self._replaced: dict[InstanceId, str] = {}
        self.stirred = asyncio.Event()

    async def known(self) -> None:
        """Return once every record has been read."""
        await self._members.caught_up.wait()

    def find(self, instance_id: InstanceId) -> Member | None:
        """Return the member that an instance fills, or has filled and may still be there."""
        entry = self._members.get(self._keys.get(instance_id, ""))
        found = None if entry is None else entry.value
        return found if found is not None and instance_id in _present(found) else None

    def holder(self, array_id: ArrayId, rank: int) -> Member | None:
        """Return the member of a rank."""
        entry = self._members.get(member_key(array_id, rank))
        return None if entry is None else entry.value

    def is_over(self, name: str) -> bool:
        """Say whether an instance is known to have ended or to have been replaced."""
        instance_id = InstanceId(name)
        member = self.find(instance_id)
        if member is None:
            return instance_id in self._replaced
        # A machine that has a successor says to its end how its work was saved.
        return member.instance.id == instance_id and member.instance.state.is_going

    def note(self, change: Change[Member]) -> None:
        """Take what the watch of the members yields."""
        before = self._members.get(change.key) if isinstance(change, Entry | Deleted) else None
        self._members.take(change)
        match change:
            case Entry(key=key) if self._members.get(key) is change:
                self._note_member(change, before)
            case Deleted(key=key) if before is not None and self._members.get(key) is None:
                for instance_id in _present(before.value):
                    self._keys.pop(instance_id, None)
                self._replaced = {one: of for one, of in self._replaced.items() if of != key}
            case Restarted():
                self._keys.clear()
                self._replaced.clear()
            case _:
                pass

    def _note_member(self, change: Entry[Member], before: Entry[Member] | None) -> None:
        present = _present(change.value)
        gone = () if before is None else _present(before.value) - present
        for instance_id in gone:
            self._keys.pop(instance_id, None)
            self._replaced[instance_id] = change.key
            self.stirred.set()
        self._keys |= dict.fromkeys(present, change.key)
        if change.value.instance.state.is_going:
            self.stirred.set()


def _present(member: Member) -> set[InstanceId]:
    """Return the instances of a rank that may be there: its own, and earlier ones until they end.

    Its own counts, ended or not, until it has a successor.
    """
    formers = (each.instance for each in member.formers)
    left = {each.id for each in formers if each.state is not InstanceState.TERMINATED}
    return {member.instance.id, *left}


class Lookups:
    """Instances that no record names, waiting to be looked up together."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._waiting: dict[str, dict[InstanceId, list[asyncio.Future[Described | None]]]] = (
            defaultdict(lambda: defaultdict(list))
        )

    async def find(self, region: str, instance_id: InstanceId) -> Described | None:
        """Return an instance as EC2 has it, None when EC2 does not know it."""
        found: asyncio.Future[Described | None] = asyncio.get_running_loop().create_future()
        self._waiting[region][instance_id].append(found)
        self.asked.set()
        return await found

    def take(self) -> Mapping[str, tuple[InstanceId, ...]]:
        """Return who is asked for in which region."""
        self.asked.clear()
        return {region: tuple(ids) for region, ids in self._waiting.items()}

    def settle(
        self, region: str, answers: Mapping[InstanceId, Described | None] | Outcome
    ) -> None:
        """Tell those who wait in a region what EC2 said."""
        waiting = self._waiting.pop(region, {})
        for instance_id, futures in waiting.items():
            for future in futures:
                if future.done():
                    continue
                if isinstance(answers, Outcome):
                    future.set_exception(answers)
                else:
                    future.set_result(answers.get(instance_id))


class Memory:
    """What this replica remembers between decisions; losing it costs a few calls.

    `existing` has the grants that roles of others are, by the role's name.
    """

    def __init__(self) -> None:
        self.grants = Mirror[Grant]()
        self.existing: dict[str, Grant] = {}
        self.locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._trusted: dict[str, datetime] = {}

    def trust(self, what: str, now: datetime) -> None:
        """Note that something in IAM (a grant's hash, an ARN, a role's name) was looked at."""
        self._trusted[what] = now + TRUSTED_FOR

    def distrust(self, what: str) -> None:
        """Have something looked at again."""
        self._trusted.pop(what, None)

    def is_trusted(self, what: str, now: datetime) -> bool:
        """Say whether something was looked at so short a while ago that it need not be again."""
        until = self._trusted.get(what)
        return until is not None and now < until
