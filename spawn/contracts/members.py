"""Members: the rank slots of an array, one record each, written by the launcher alone."""

from datetime import datetime
from enum import StrEnum

import msgspec

from spawn.contracts.checkpoints import Checkpoint
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.instances import Instance, InstanceState
from spawn.contracts.leases import Lease

BUCKET = "spawn-members"
"""Key-value bucket of `Member`, keyed `<array>.<rank>`."""


class MemberState(StrEnum):
    """pending -> launched -> running -> ready -> exited | lost."""

    PENDING = "pending"
    LAUNCHED = "launched"
    RUNNING = "running"
    READY = "ready"
    EXITED = "exited"
    LOST = "lost"


_ENDED = frozenset({MemberState.EXITED, MemberState.LOST})


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a machine's hello says of itself: what its peers need to reach it.

    Keys are public ones, in OpenSSH's form; `slots` is how many processes it can run.
    """

    hostname: str = ""
    slots: int = 1
    host_key: str = ""
    user_key: str = ""


class Former(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An earlier instance of a rank, kept in its record until EC2 says that it is gone.

    Its machine is heard and answered still, and may not start a job. `job_over` says that it has
    reported the end of its job and, where there was one, of the checkpoint before; `since` is when
    its successor was recorded, or when EC2 last said something new of it.
    """

    instance: Instance
    generation: int
    since: datetime
    job_over: bool = False


# Thousands of records live long: as trees without cycles they're no work for the collector.
class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A rank slot and the instance that fills it now.

    `facts` are there once its agent has said hello, and `hellos` counts those that said something
    new, over all generations; `starts` counts how often its instance was started again after a
    stop; `exit_code` is there once its job has ended, `checkpoint` once there was anything to say
    of one. `lease` is the member's own, where its array's is not the one that counts, and `retag`
    says that its instance's tag may tell of an earlier one; `ending` is why its instance is being
    ended though its array goes on. `formers` are earlier instances of the rank that may still be
    there: its job waits for the end of theirs. `surplus` says that the instance has nothing to
    do, since the job of a former one came to its own end. `outbox` holds the events that this
    very write caused; they are published after it and are replaced by those of the next write.
    """

    array_id: ArrayId
    rank: int
    state: MemberState
    instance: Instance
    changed_at: datetime
    generation: int = 0
    version: int = 1
    reason: str = ""
    facts: Facts | None = None
    hellos: int = 0
    starts: int = 0
    exit_code: int | None = None
    restarts: int = 0
    lease: Lease | None = None
    retag: bool = False
    ending: str = ""
    checkpoint: Checkpoint | None = None
    formers: tuple[Former, ...] = ()
    surplus: bool = False
    outbox: tuple[Event, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the member's instance has ended, and its record says so.

        One that EC2 lists as ended before it was recorded at all is still to be told of.
        """
        return self.instance.state is InstanceState.TERMINATED and self.state in _ENDED

    @property
    def is_stopped(self) -> bool:
        """Whether the member's machine is off, or about to be, and may be started again."""
        return self.instance.state in {InstanceState.STOPPING, InstanceState.STOPPED}

    @property
    def is_done(self) -> bool:
        """Whether the member's job will not run any more here."""
        return self.state in _ENDED

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The instances of the rank, the one that fills it first; some may have ended."""
        return (self.instance, *(each.instance for each in self.formers))

    @property
    def is_succeeding(self) -> bool:
        """Whether an earlier instance of the rank may still be there."""
        return any(each.instance.state is not InstanceState.TERMINATED for each in self.formers)

    @property
    def is_left(self) -> bool:
        """Whether any instance of the rank may still be there."""
        return not self.is_over or self.is_succeeding

    def former(self, instance_id: InstanceId) -> Former | None:
        """Return the earlier instance of this id."""
        return next((each for each in self.formers if each.instance.id == instance_id), None)


def member_key(array_id: ArrayId, rank: int) -> str:
    """Return the key of a member's record."""
    return f"{array_id}.{rank}"
