"""Stops and starts of EC2's instances in memory."""

from collections.abc import Callable, Iterable

from spawn.aws.errors import outcome_of
from spawn.aws.shapes import Powered
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.errors import Outcome
from tests.fakes.ec2 import FakeInstances, Machine


class FakePower(FakeInstances):
    """Instances that can be stopped and started; those in `stuck` hibernate no more."""

    stuck: frozenset[InstanceId] = frozenset()
    roomless: frozenset[InstanceId] = frozenset()
    """Instances for whose start there is no capacity."""

    cancelled: frozenset[str] = frozenset()

    async def stop_instances(
        self, ids: Iterable[InstanceId], *, hibernate: bool = False
    ) -> Powered:
        def stop(machine: Machine) -> None:
            if hibernate and machine.request.hibernation is None:
                raise outcome_of("UnsupportedHibernationConfiguration", "not configured")
            if self._state(machine) is InstanceState.RUNNING:
                kept = hibernate and machine.id not in self.stuck
                how = "Hibernate" if kept else "Shutdown"
                machine.reason, machine.halted_at = f"Client.UserInitiated{how}", self._clock.now()

        return self._power("StopInstances", ids, stop, InstanceState.PENDING)

    async def start_instances(self, ids: Iterable[InstanceId]) -> Powered:
        def start(machine: Machine) -> None:
            if machine.id in self.roomless:
                raise outcome_of("InsufficientInstanceCapacity", "no room", status=500)
            if self._state(machine) is InstanceState.STOPPED:
                machine.reason, machine.halted_at = "", None
                machine.started_at = self._clock.now()

        return self._power("StartInstances", ids, start, InstanceState.STOPPING)

    async def cancel_spot_requests(self, ids: Iterable[str]) -> None:
        self._enter("CancelSpotInstanceRequests")
        self.cancelled |= set(ids)

    def _power(
        self,
        api: str,
        ids: Iterable[InstanceId],
        change: Callable[[Machine], None],
        wrong: InstanceState,
    ) -> Powered:
        self._enter(api)
        states: dict[InstanceId, InstanceState] = {}
        refused: dict[InstanceId, Outcome] = {}
        for one in dict.fromkeys(ids):
            try:
                states[one] = self._changed(one, change, wrong)
            except Outcome as outcome:
                refused[one] = outcome
        self._leave(api)
        return Powered(states=states, refused=refused)

    def _changed(
        self, one: InstanceId, change: Callable[[Machine], None], wrong: InstanceState
    ) -> InstanceState:
        machine = self.machines.get(one)
        if machine is None:
            raise outcome_of("InvalidInstanceID.NotFound", f"The instance ID '{one}' is unknown")
        state = self._state(machine)
        if state.is_going or state is wrong:
            raise outcome_of("IncorrectInstanceState", f"The instance '{one}' is {state}")
        change(machine)
        return self._state(machine)
