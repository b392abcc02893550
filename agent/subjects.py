"""The subjects that a machine uses: every one of them carries its array and itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subjects:
    """The subjects of one machine."""

    array_id: str
    instance_id: str

    @property
    def assignment(self) -> str:
        """Where its assignment is asked for."""
        return f"spawn.api.launcher.assignment.{self.array_id}.{self.instance_id}"

    @property
    def peers(self) -> str:
        """Where its peers are asked for."""
        return f"spawn.api.launcher.peers.{self.array_id}.{self.instance_id}"

    @property
    def tells(self) -> tuple[str, ...]:
        """What it hears."""
        return (
            f"spawn.tell.{self.array_id}.all",
            f"spawn.tell.{self.array_id}.{self.instance_id}",
        )

    def report(self, kind: str) -> str:
        """Return where a report goes."""
        return f"spawn.agent.{self.array_id}.{self.instance_id}.{kind}"

    def log(self, rank: int) -> str:
        """Return where the output of a rank goes."""
        return f"spawn.log.{self.array_id}.{rank}"
