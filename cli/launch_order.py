"""A launch as the command line asks for it, carried out and watched as far as was asked."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import msgspec

from cli.display import displayed
from cli.exits import Ended, Exit
from cli.following import Display, is_accepted, is_finished, is_ready, where_it_stands
from cli.launch_result import conclude
from cli.launching import Launching
from cli.output import FirstLines, JsonPrinter, Prefix, Printer, TextPrinter
from cli.plane import Plane, open_plane, within
from cli.render import is_coloured, put_bytes
from cli.tailing import Tail
from spawn.bus.beside import beside
from spawn.bus.logs import output_of
from spawn.contracts.ids import ArrayId, array_id
from spawn.contracts.launches import LOCAL_OWNER, NOT_AFTER, Launch, LaunchSpec
from spawn.errors import Transient

_FIRST_LINES = 20
"""Lines of output that are worth seeing while machines are still being started."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A launch, and how far it is watched: to the end with `follow`, else until it is ready."""

    spec: LaunchSpec
    request_id: str
    wait: bool
    follow: bool
    timeout: timedelta | None
    as_json: bool

    @property
    def has_job(self) -> bool:
        """Whether there is something to run."""
        return bool(self.spec.command or self.spec.user_data)


class Attempt:
    """What has become of an order, for whoever interrupts it."""

    launching: Launching | None = None


def carry_out(order: Order) -> None:
    """Launch and watch; raise `Ended` unless all went as it was asked for."""
    attempt = Attempt()
    try:
        asyncio.run(_launch(order, attempt))
    except KeyboardInterrupt as error:
        raise _detached(order, attempt) from error


def _detached(order: Order, attempt: Attempt) -> Ended:
    if attempt.launching is None:
        return Ended(Exit.DETACHED, "interrupted before anything was sent")
    return _left_alone(order, attempt.launching, Exit.DETACHED, "detached")


def _left_alone(order: Order, launching: Launching, code: Exit, why: str) -> Ended:
    """Say why nobody watches the launch any more, and what becomes of it."""
    if not launching.is_sent:
        return Ended(code, f"{why}: nothing was sent")
    array = launching.array
    return Ended(
        code,
        f"{why}: {where_it_stands(array, launching.progress)} and goes on;"
        f" follow it with: spawn {'logs' if order.follow else 'events'} {array} -f;"
        f" end it with: spawn terminate {array}",
    )


async def _launch(order: Order, attempt: Attempt) -> None:
    async with open_plane() as plane:
        began = plane.clock.monotonic()
        launching = await _begin(plane, order, attempt)
        elapsed = timedelta(seconds=plane.clock.monotonic() - began)
        await conclude(
            plane, launching, elapsed=elapsed, as_json=order.as_json, judging=order.follow
        )


async def _begin(plane: Plane, order: Order, attempt: Attempt) -> Launching:
    """Send the launch and follow it as far as was asked."""
    named = array_id(
        deployment=await plane.deployment(),
        owner=LOCAL_OWNER,
        request_id=order.request_id,
        name=order.spec.name,
    )
    request = Launch(
        request_id=order.request_id, spec=order.spec, not_after=plane.clock.now() + NOT_AFTER
    )
    output = put_bytes if order.follow else None
    with displayed(order.spec.name, plane.clock, output=output) as display:
        launching = attempt.launching = Launching(plane, request, named, display)
        try:
            async with within(order.timeout):
                await _follow(plane, launching, order, display)
        except TimeoutError as error:
            raise _left_alone(order, launching, Exit.TIMED_OUT, "--timeout is over") from error
        except Transient as error:
            raise _left_alone(order, launching, Exit.UNREACHABLE, error.message) from error
    return launching


async def _follow(plane: Plane, launching: Launching, order: Order, display: Display) -> None:
    tail = Tail(
        plane,
        order.spec.name,
        output_of(launching.array),
        _printer(order, launching.array, display),
    )
    reached = is_finished if order.follow else is_ready if order.wait else is_accepted
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(beside(launching.warn_unheard(plane)))
        if order.has_job and order.wait:
            await stack.enter_async_context(beside(_show_output(launching, tail)))
        await launching.until(reached)
    if order.follow and launching.begun.is_set():
        await tail.drain()


async def _show_output(launching: Launching, tail: Tail) -> None:
    await launching.begun.wait()
    await tail.follow()


def _printer(order: Order, array: ArrayId, display: Display) -> Printer:
    """Show all output where it was asked for, else its beginning, with all that is said."""
    if order.follow and order.as_json:
        return JsonPrinter(array, display.write)
    prefix = Prefix(order.spec.name, wanted=True, coloured=is_coloured(on_stderr=not order.follow))
    text = TextPrinter(prefix, display.write)
    rest = f"more output follows; see it with: spawn logs {order.spec.name} -f"
    return text if order.follow else FirstLines(text, most=_FIRST_LINES, rest=rest)
