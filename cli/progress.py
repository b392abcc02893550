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


class Slot(msgspec.Struct, frozen=True):
    """What fills a rank now."""

    state: MemberState
    generation: int
    instance_id: InstanceId


class Progress(msgspec.Struct, kw_only=True):
    """One array, as its events have told it so far; `state` is absent before the first.

    `tally` counts the slots by state.
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

    @property
    def counts(self) -> dict[MemberState, int]:
        """Members by state, in the order of a member's life; states that nobody has left out."""
        waiting = max(0, self.size - len(self.slots))
        found = {**self.tally, MemberState.PENDING: waiting + self.tally.get(_PENDING, 0)}
        return {state: found[state] for state in MemberState if found.get(state)}

    @property
    def present(self) -> int:
        """Members whose instance runs."""
        return self.tally.get(MemberState.RUNNING, 0) + self.tally.get(MemberState.READY, 0)

    @property
    def gone(self) -> int:
        """Members that have no instance: it has ended, or there has been none yet."""
        return self.size - sum(n for state, n in self.tally.items() if not state.is_over)

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
            slot.instance_id for _, slot in sorted(self.slots.items()) if not slot.state.is_over
        )

    def apply(self, event: events.Event) -> None:
        """Take one more event into account; an older generation's is none of a member's."""
        data = event.data
        if isinstance(data, events.InstanceEvent):
            state = self._state_after(data)
            self._fill(data.rank, data.generation, data.instance.id, state)
        elif isinstance(data, events.MemberReady | events.MemberReplaced):
            state = _MEMBER_STATES[type(data)]
            self._fill(data.rank, data.generation, data.instance_id, state)
        elif isinstance(data, events.MemberExited):
            self._exit(data)
        elif isinstance(data, events.LeaseSet):
            self.lease = data.lease if data.rank is None else self.lease
        elif event.name.startswith("array."):
            self._apply_array(event)

    def _fill(
        self, rank: int, generation: int, instance: InstanceId, state: MemberState | None
    ) -> None:
        now = self.slots.get(rank)
        if now and now.generation > generation:
            return
        if state is None:
            state = now.state if now else MemberState.RUNNING
        self.fill(rank, Slot(state, generation, instance))

    def fill(self, rank: int, slot: Slot) -> None:
        """Put a slot in its rank, and keep the tally: arrays are large and events many."""
        before = self.slots.get(rank)
        if before:
            self.tally[before.state] -= 1
        self.tally[slot.state] = self.tally.get(slot.state, 0) + 1
        self.slots[rank] = slot

    def _state_after(self, data: events.InstanceEvent) -> MemberState | None:
        """Return a member's state after its instance's event; none where it stays what it was."""
        match data:
            case events.InstanceRunning():
                return MemberState.RUNNING
            # A stopped instance is there, and doesn't run.
            case events.InstanceLaunched() | events.InstanceStopped():
                return MemberState.LAUNCHED
            case events.InstanceTerminated():
                return MemberState.EXITED if self.is_ending else MemberState.LOST
            case _:
                return None

    def _exit(self, data: events.MemberExited) -> None:
        now = self.slots.get(data.rank)
        if now and now.generation == data.generation:
            slot = Slot(MemberState.EXITED, data.generation, now.instance_id)
            self.fill(data.rank, slot)

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
            case _:
                self.state = _ARRAY_STATES.get(type(event.data), self.state)
                self.reason = str(getattr(event.data, "reason", ""))


_ARRAY_STATES: dict[type, ArrayState] = {
    events.ArrayDegraded: ArrayState.DEGRADED,
    events.ArrayFinished: ArrayState.FINISHED,
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
        progress.fill(member.rank, Slot(member.state, member.generation, member.instance.id))
    return progress
