"""A machine that says what it is told to, on a real bus, as the program on a machine would."""

import msgspec

from spawn.bus import codec
from spawn.bus.connection import Bus
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.logs import block_headers
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.logs import Block, log_subject
from spawn.contracts.reports import Report, report_subject


class FakeMachine:
    """The machine of one rank."""

    def __init__(self, bus: Bus, array_id: ArrayId, rank: int, instance: InstanceId) -> None:
        self._bus = bus
        self._array = array_id
        self._instance = instance
        self._reports = 0
        self._lines = 0
        self.rank = rank

    async def print(self, data: bytes, *, generation: int = 0) -> None:
        """Send a block of lines behind those that were sent before."""
        lines = data.count(b"\n") or 1
        await self.block(
            Block(
                rank=self.rank,
                generation=generation,
                first_line=self._lines,
                lines=lines,
                data=data,
            )
        )
        self._lines += lines

    async def block(self, block: Block, *, again: bool = False) -> None:
        """Send a block as it is; `again` as when its first copy is forgotten by the bus."""
        number = f"{block.first_line}{'-again' if again else ''}"
        headers = {
            **block_headers(block, instance=self._instance),
            MESSAGE_ID: f"{self._array}/{self.rank}/{block.generation}/{number}",
        }
        await self._bus.js.publish(
            log_subject(self._array, self.rank), block.data, headers=headers, patience=None
        )

    def skip(self, lines: int) -> None:
        """Lose lines, as a machine that was ended in the middle."""
        self._lines += lines

    async def say(self, report: str, body: Report) -> None:
        """Send a report."""
        self._reports += 1
        headers = {MESSAGE_ID: f"{self._instance}/{report}/boot/{self._reports}"}
        await self._bus.js.publish(
            report_subject(self._array, self._instance, report),
            codec.encode(msgspec.to_builtins(body)),
            headers=headers,
            patience=None,
        )
