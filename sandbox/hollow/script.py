"""What hollow machines do, and when: pure."""

from pathlib import Path

import msgspec

from sandbox.behaviour import Delay, decode_delay, seconds


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the machine of one rank does; None is what all do."""

    hello: Delay | None = None
    job: Delay | None = None
    save: Delay | None = None
    exit_code: int | None = None
    lines: int | None = None


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all machines do, and what those of some ranks do otherwise.

    `hello` is the time from the instance's start to its agent's first word, `job` how long its
    command runs, `save` how long its checkpoint takes when it is interrupted, `lines` how many
    lines that prints. Times are seconds, or `[low, high]`.
    """

    hello: Delay = seconds(0)
    job: Delay = seconds(0)
    save: Delay = seconds(0)
    exit_code: int = 0
    lines: int = 1
    ranks: dict[str, Part] = {}

    def of(self, rank: int) -> "Script":
        """Return what the machine of a rank does."""
        part = self.ranks.get(str(rank))
        if part is None:
            return self
        given = msgspec.structs.asdict(part)
        return msgspec.structs.replace(self, **{k: v for k, v in given.items() if v is not None})


def read_script(path: Path) -> Script:
    """Read a script of YAML or JSON. Raises OSError, or msgspec.DecodeError naming the field."""
    return msgspec.yaml.decode(path.read_bytes(), type=Script, dec_hook=decode_delay)
