"""One launch from the command to its end: sent once, followed from the array's first event."""

import asyncio
import hashlib
from contextlib import aclosing

import msgspec

from cli.following import Display, Reached
from cli.plane import Plane
from cli.progress import Progress
from spawn.bus.ports import CaughtUp, Followed
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.durations import format_duration
from spawn.contracts.events import ArrayAccepted, ArrayRejected, Event
from spawn.contracts.ids import ArrayId
from spawn.contracts.launches import (
    NOT_AFTER,
    SUBJECT_LAUNCH,
    Launch,
    LaunchSpec,
    digest,
    environment_text,
    without_texts,
)
from spawn.errors import NotFound


def message_id(launch: Launch) -> str:
    """Name the message: the same command sent twice is stored once."""
    body = hashlib.sha256(msgspec.json.encode(launch)).hexdigest()
    return f"launch:{launch.request_id}:{body[:32]}"


def made_from(array: Array, spec: LaunchSpec) -> bool:
    """Say whether an array's record was made from this spec."""
    texts = (digest(spec.user_data), digest(spec.command), digest(environment_text(spec)))
    script = digest(spec.checkpoint_script)
    return (
        array.spec == without_texts(spec)
        and (array.user_data, array.command, array.environment) == texts
        and array.checkpoint_script == script
    )


class Launching:
    """A launch under way. `is_sent` is whether the array goes on without us.

    `begun` is set once there is an array that this launch has made: what is said of one before
    may be another's, which had the request's id first.
    """

    def __init__(self, plane: Plane, launch: Launch, array: ArrayId, display: Display) -> None:
        self._plane = plane
        self._launch = launch
        self._display = display
        self._last_before = 0
        self.array = array
        self.progress = Progress()
        self.rejection: ArrayRejected | None = None
        self.is_sent = False
        self.begun = asyncio.Event()

    async def until(self, reached: Reached) -> None:
        """Send the launch and follow it until `reached` holds or it is rejected."""
        async with aclosing(self._plane.follow(self.array, from_first=True)) as items:
            async for item in items:
                match item:
                    case Followed():
                        await self._take(item)
                    case CaughtUp():
                        await self._send()
                if self.rejection or (reached(self.progress) and await self._is_ours()):
                    return

    async def warn_unheard(self, plane: Plane) -> None:
        """Say so when no launcher is there to hear the command."""
        if not await plane.has_launcher():
            self._display.say(
                "no launcher is running: the request is stored, and runs if one is up within"
                f" {format_duration(NOT_AFTER)}"
            )

    async def _is_ours(self) -> bool:
        """Say whether what happens to the array is due to this launch."""
        return self.is_sent and await self._made() is not None

    async def _take(self, item: Followed) -> None:
        if not self.is_sent:
            self._last_before = item.sequence
        if isinstance(item.event.data, ArrayRejected):
            await self._take_rejection(item, item.event.data)
            return
        self.progress.apply(item.event)
        if self.is_sent and isinstance(item.event.data, ArrayAccepted):
            self.begun.set()
        self._show(item.event)

    async def _take_rejection(self, item: Followed, data: ArrayRejected) -> None:
        """Believe a rejection when it answers our command, not an earlier or another one."""
        if not self.is_sent or item.sequence <= self._last_before:
            return
        made = await self._made()
        # An array is also rejected after it was accepted, when AWS doesn't know what it names.
        refused = made is None or made.state is ArrayState.REJECTED
        if refused and data.request_id == self._launch.request_id:
            self.rejection = data

    def _show(self, event: Event) -> None:
        if self.is_sent:
            self._display.show(event, self.progress)

    async def _send(self) -> None:
        """Send the command, unless the same request has made this very array before."""
        if self.is_sent:
            return
        made = await self._made()
        if made is None:
            self.progress = Progress()
            await self._plane.commands.send(
                SUBJECT_LAUNCH, self._launch, message_id=message_id(self._launch)
            )
        else:
            self._take_made(made)
        self.is_sent = True

    def _take_made(self, made: Array) -> None:
        self._display.say(f"request {self._launch.request_id} has made {self.array} already")
        if made.state is ArrayState.REJECTED:
            self.rejection = ArrayRejected(
                request_id=made.request_id, name=made.name, code="", message=made.reason
            )
        else:
            self.begun.set()

    async def _made(self) -> Array | None:
        """Return the array's record when it was made from this launch's spec."""
        try:
            array = (await self._plane.arrays.get(self.array)).value
        except NotFound:
            return None
        return array if made_from(array, self._launch.spec) else None
