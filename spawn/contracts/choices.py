"""What a launch may choose of: words with a meaning for the whole array."""

from enum import StrEnum


class WaitFor(StrEnum):
    """When an array counts as ready: instances run, agents have said hello, or names resolve."""

    RUNNING = "running"
    AGENT = "agent"
    DNS = "dns"


class AddressKind(StrEnum):
    """Which address of a machine its name resolves to."""

    PRIVATE = "private"
    PUBLIC = "public"


class OnComplete(StrEnum):
    """What a machine does with itself once its job has ended."""

    TERMINATE = "terminate"
    STOP = "stop"
    NONE = "none"


class OnMemberFailure(StrEnum):
    """What the failure of one member's job means for the others."""

    CONTINUE = "continue"
    FAIL_ARRAY = "fail-array"


class IdleScope(StrEnum):
    """What is idle: the array, once none of its members works, or each member by itself."""

    ARRAY = "array"
    MEMBER = "member"


class EnvCompat(StrEnum):
    """Whose names of rank, size and peers the job is given beside ours."""

    SLURM = "slurm"
    BATCH = "batch"
    TORCH = "torch"
