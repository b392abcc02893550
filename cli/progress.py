"""How far an array has come: its events folded, in order, into what a display shows."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from spawn.contracts import events
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.ids import InstanceId
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member, MemberState
from spawn.contracts.pools import Pool, Refusal

_PENDING = MemberState.PENDING


_STARTED = {MemberState.RUNNING, MemberState.READY, MemberState.EXITED}


class Slot(msgspec.Struct, frozen=True):
    """What fills a rank now; `is_over` says that its instance has ended."""

    state: MemberState
    generation: int
    instance_id: InstanceId
    is_over: bool = False

    @property
    def is_present(self) -> bool:
        """Whether its instance runs, be it for a job that has ended."""
        return self.state in _STARTED and not self.is_over


class Progress(msgspec.Struct, kw_only=True):
    """One array, as its events have told it so far; `state` is absent before the first.

    `tally` counts the slots by state, `present` those whose instance runs, `living` those whose
    instance has not ended; `finished` is how the job has ended, once it has.
    """

    size: int = 0
    state: ArrayState | None = None
    slots: dict[int, Slot] = {}
    pools: tuple[Pool, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""
    lease: Lease | None = None
    accepted_at: datetime | None = None
    request_id: str = ""
    api_calls: dict[str, int] = {}
    tally: dict[MemberState, int] = {}
    present: int = 0
    living: int = 0
    finished: events.ArrayFinished | None = None

    @property
    def counts(self) -> dict[MemberState, int]:
        """Members by state, in the order of a member's life; states that nobody has left out."""
        waiting = max(0, self.size - len(self.slots))
        found = {**self.tally, MemberState.PENDING: waiting + self.tally.get(_PENDING, 0)}
        return {state: found[state] for state in MemberState if found.get(state)}

    @property
    def gone(self) -> int:
        """Members that have no instance: it has ended, or there has been none yet."""
        return self.size - self.living

    @property
    def is_ending(self) -> bool:
        """Whether the array is asked to end, or has ended."""
        return self.state is ArrayState.TERMINATING or (
            self.state is not None and self.state.is_over
        )

    @property
    def left(self) -> tuple[InstanceId, ...]:
        """Instances that have not ended, by rank."""
        return tuple(
            slot.instance_id for _, slot in sorted(self.slots.items()) if not slot.is_over
        )

    def apply(self, event: events.Event) -> None:
        """Take one more event into account; an older generation's is none of a member's."""
        data = event.data
        if isinstance(data, events.InstanceEvent):
            self._note_instance(data)
        elif isinstance(data, events.MemberReady | events.MemberReplaced):
            slot = Slot(_MEMBER_STATES[type(data)], data.generation, data.instance_id)
            self._fill(data.rank, slot)
        elif isinstance(data, events.MemberExited):
            self._exit(data)
        elif isinstance(data, events.LeaseSet):
            self.lease = data.lease if data.rank is None else self.lease
        elif event.name.startswith("array."):
            self._apply_array(event)

    def _note_instance(self, data: events.InstanceEvent) -> None:
        now = self.slots.get(data.rank)
        same = now if now and now.generation == data.generation else None
        slot = Slot(
            self._state_after(data, same.state if same else MemberState.RUNNING),
            data.generation,
            data.instance.id,
            is_over=isinstance(data, events.InstanceTerminated),
        )
        self._fill(data.rank, slot)

    def _fill(self, rank: int, slot: Slot) -> None:
        now = self.slots.get(rank)
        if now is None or now.generation <= slot.generation:
            self.fill(rank, slot)

    def fill(self, rank: int, slot: Slot) -> None:
        """Put a slot in its rank, and keep the tally: arrays are large and events many."""
        before = self.slots.get(rank)
        if before:
            self.tally[before.state] -= 1
            self.present -= before.is_present
            self.living -= not before.is_over
        self.tally[slot.state] = self.tally.get(slot.state, 0) + 1
        self.present += slot.is_present
        self.living += not slot.is_over
        self.slots[rank] = slot

    def _state_after(self, data: events.InstanceEvent, before: MemberState) -> MemberState:
        """Return a member's state after its instance's event."""
        if before is MemberState.EXITED:
            return before
        match data:
            case events.InstanceRunning() if before is not MemberState.READY:
                return MemberState.RUNNING
            # A stopped instance is there, and doesn't run.
            case events.InstanceLaunched() | events.InstanceStopped():
                return MemberState.LAUNCHED
            case events.InstanceTerminated():
                ends = self.is_ending or self.finished is not None
                return MemberState.EXITED if ends else MemberState.LOST
            case _:
                return before

    def _exit(self, data: events.MemberExited) -> None:
        now = self.slots.get(data.rank)
        if now and now.generation == data.generation:
            self.fill(data.rank, msgspec.structs.replace(now, state=MemberState.EXITED))

    def _apply_array(self, event: events.Event) -> None:
        """Take an event of the array itself into account."""
        match event.data:
            case events.ArrayAccepted(size=size, lease=lease, request_id=request_id):
                self.state, self.size, self.lease = ArrayState.ACCEPTED, size, lease
                self.accepted_at, self.request_id = event.time, request_id
            case events.ArrayRejected():
                # Said of a command, not of the array that has this id already.
                pass
            case events.ArrayLaunching(pools=pools, refusals=refusals, reason=reason):
                self.state, self.reason = ArrayState.LAUNCHING, reason
                self.pools, self.refusals = pools, refusals
            case events.ArrayReady(api_calls=calls, refusals=refusals):
                self.state, self.reason = ArrayState.READY, ""
                self.api_calls, self.refusals = calls, refusals
            case events.ArrayFailed(refusals=refusals, api_calls=calls):
                self.state, self.reason = ArrayState.FAILED, event.data.reason
                self.refusals, self.api_calls = refusals, calls
            case events.ArrayFinished():
                self.state, self.finished = ArrayState.FINISHED, event.data
            case _:
                self.state = _ARRAY_STATES.get(type(event.data), self.state)
                self.reason = str(getattr(event.data, "reason", ""))


_ARRAY_STATES: dict[type, ArrayState] = {
    events.ArrayDegraded: ArrayState.DEGRADED,
    events.ArrayTerminated: ArrayState.TERMINATED,
}
_MEMBER_STATES = {
    events.MemberReady: MemberState.READY,
    events.MemberReplaced: MemberState.LAUNCHED,
}


def progress_of(array: Array, members: Collection[Member]) -> Progress:
    """Begin from an array's records instead of from its first event."""
    progress = Progress(
        size=array.size,
        state=array.state,
        pools=array.placement.pools if array.placement else (),
        refusals=array.refusals,
        reason=array.reason or (array.ending.reason if array.ending else ""),
        lease=array.lease,
        accepted_at=array.accepted_at,
        request_id=array.request_id,
    )
    for member in members:
        slot = Slot(member.state, member.generation, member.instance.id, is_over=member.is_over)
        progress.fill(member.rank, slot)
    return progress
