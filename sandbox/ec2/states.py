"""Instance states and the legal moves between them.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
"""

from enum import Enum
from typing import Literal

import msgspec

from sandbox.errors import AwsError


class State(Enum):
    """A state; its value is EC2's name for it."""

    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def code(self) -> int:
        """EC2's number for the state
        (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html).
        """  # noqa: D205, D209  the link belongs to the sentence
        return _CODES[self]


_CODES = {
    State.PENDING: 0,
    State.RUNNING: 16,
    State.SHUTTING_DOWN: 32,
    State.TERMINATED: 48,
    State.STOPPING: 64,
    State.STOPPED: 80,
}

Action = Literal["terminate", "stop", "start", "reboot"]


class Reason(msgspec.Struct, frozen=True):
    """Why an instance left its state, as StateReason shows it."""

    code: str
    message: str

    @property
    def is_the_clouds(self) -> bool:
        """Whether it was EC2 that wanted it."""
        return self.code.startswith("Server.")


USER = Reason(
    "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
)
HIBERNATE = Reason(
    "Client.UserInitiatedHibernate", "Client.UserInitiatedHibernate: User initiated hibernate"
)
INITIATED = Reason(
    "Client.InstanceInitiatedShutdown",
    "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
)
SPOT_TERMINATION = Reason(
    "Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Spot instance termination"
)
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html."""
SPOT_SHUTDOWN = Reason(
    "Server.SpotInstanceShutdown", "Server.SpotInstanceShutdown: Spot instance shutdown"
)
PENDING = Reason("pending", "pending")


class Move(msgspec.Struct, frozen=True):
    """A change of state that takes time: through one state into another."""

    through: State
    to: State


_MOVES: dict[Action, Move] = {
    "terminate": Move(State.SHUTTING_DOWN, State.TERMINATED),
    "stop": Move(State.STOPPING, State.STOPPED),
    "start": Move(State.PENDING, State.RUNNING),
}
_NOTHING_TO_DO: dict[Action, frozenset[State]] = {
    "terminate": frozenset({State.SHUTTING_DOWN, State.TERMINATED}),
    "stop": frozenset({State.STOPPING, State.STOPPED}),
    "start": frozenset({State.PENDING, State.RUNNING}),
    "reboot": frozenset({State.RUNNING}),
}
_LEGAL: dict[Action, frozenset[State]] = {
    "terminate": frozenset({State.PENDING, State.RUNNING, State.STOPPING, State.STOPPED}),
    "stop": frozenset({State.RUNNING}),
    "start": frozenset({State.STOPPED}),
    "reboot": frozenset(),
}
_PARTICIPLE = {
    "terminate": "terminated",
    "stop": "stopped",
    "start": "started",
    "reboot": "rebooted",
}


def decide(action: Action, state: State, *, instance_id: str) -> Move | None:
    """Return the move that `action` starts, None when it changes no state.

    Raises `AwsError` IncorrectInstanceState when EC2 would refuse it.
    """
    if state in _NOTHING_TO_DO[action]:
        return None
    if state in _LEGAL[action]:
        return _MOVES[action]
    raise AwsError(
        "IncorrectInstanceState",
        f"The instance '{instance_id}' is not in a state from which it can be "
        f"{_PARTICIPLE[action]}.",
    )
