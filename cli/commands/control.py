"""`spawn up`, `spawn down` and `spawn doctor`: the control plane on this machine."""

import asyncio
import signal
import sys
from typing import Annotated

import typer

from cli.asking import confirm
from cli.exits import Ended, Exit
from cli.flags import JsonFlag, YesFlag
from cli.render import note, put, put_json
from spawn.clock import SystemClock
from spawn.contracts.counts import counted
from spawn.errors import Transient
from spawn.runtime.home import ControlState, Home, locate, running
from spawn.runtime.supervisor.specs import Options
from spawn.runtime.supervisor.starting import Starter, Up
from spawn.runtime.supervisor.stopping import down as end_everything

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("doctor")(doctor)


def up(
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="With a cloud on this machine in place of AWS.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return once it is ready; it goes on.")
    ] = False,
    isolate: Annotated[
        bool, typer.Option("--isolate", help="Run each service as a process of its own.")
    ] = False,
) -> None:
    """Start the control plane on this machine: the bus and all services.

    In the foreground it runs until Ctrl-C. Its state is kept in SPAWN_HOME.
    """
    options = Options(mode="sandbox" if sandbox else "aws", isolate=isolate)
    asyncio.run(_up(options, detach=detach))


async def _up(options: Options, *, detach: bool) -> None:
    home, clock = locate(), SystemClock()
    _cancel_on_signals()
    starter = Starter(home, clock, say=note)
    try:
        started = await starter.up(options, detach=detach)
    except asyncio.CancelledError as error:
        raise Ended(Exit.DETACHED, "interrupted: what had been started was ended") from error
    for line in _what_runs(started, home):
        note(line)
    if detach or started.supervisor is None:
        return
    try:
        how = await started.supervisor.ended(clock)
    except asyncio.CancelledError:
        note("ending…")
        how = await starter.end(started.supervisor)
    if how != "exit 0":
        raise Transient(f"the control plane ended with {how}: see {home.log('supervisor')}")
    note("the control plane has ended")


def _cancel_on_signals() -> None:
    """Cancel this task at the first signal; what it then waits for must not be cut short."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def cancel() -> None:
        if task is not None and not task.cancelling():
            task.cancel()

    for number in _ENDINGS:
        loop.add_signal_handler(number, cancel)


def _what_runs(up: Up, home: Home) -> list[str]:
    state = up.state
    began = "spawn is up" if up.supervisor else "a control plane runs already"
    lines = [f"{began} (pid {state.supervisor.pid})"]
    lines += [f"  {what:<12}{text}" for what, text in _facts(state, home)]
    return [*lines, f"  {'next':<12}{_next(state)}", f"  {'end it by':<12}spawn down"]


def _facts(state: ControlState, home: Home) -> list[tuple[str, str]]:
    cloud = "AWS" if state.sandbox is None else "laptop cloud"
    where = "" if state.sandbox is None else f" at {state.sandbox.endpoint}"
    region = "" if state.sandbox is None else f", region {state.sandbox.region}"
    return [
        ("deployment", f"{state.deployment} on {cloud}{where}{region}"),
        ("bus", state.bus_url),
        ("services", ", ".join(state.services)),
        ("state", f"{home.root} (logs in {home.logs})"),
    ]


def _next(state: ControlState) -> str:
    region = "" if state.sandbox else " --region REGION"
    return f"spawn launch --name hello --count 2 --instance-type t3.micro{region}"


def down(
    *,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove the state folder, streams included.")
    ] = False,
    yes: YesFlag = False,
) -> None:
    """End the control plane; with the laptop cloud all its instances are gone.

    Instances on AWS go on, past their leases until a control plane runs again.
    """
    home = locate()
    state = running(home)
    if state is not None and state.mode == "aws" and sys.stdin.isatty() and not yes:
        _ask_about_arrays()
    if purge:
        question = f"Remove {home.root} and all that is known of past arrays?"
        asyncio.run(confirm(question, yes=yes))
    done = end_everything(home, purging=purge)
    if not done.ended:
        note("no control plane was running")
    else:
        note(f"ended: {', '.join(done.ended)}")
    if done.cloud:
        note("the laptop cloud is gone, and its instances and arrays with it")


def _ask_about_arrays() -> None:
    from cli.plane import open_plane  # noqa: PLC0415 - imports the bus, which `up` need not

    async def count() -> int:
        async with open_plane() as plane:
            return sum(not array.state.is_over for array in await plane.all_arrays())

    living = asyncio.run(count())
    if living:
        question = (
            f"{counted(living, 'array')} alive, with machines that go on, past their leases until"
            " a control plane runs again. End the control plane?"
        )
        asyncio.run(confirm(question, yes=False))


def doctor(*, as_json: JsonFlag = False) -> None:
    """Check the control plane, and say what to do. Exit 0 all well, 1 findings, 5 none runs."""
    from spawn.runtime.doctor.examine import examine  # noqa: PLC0415 - imports the bus
    from spawn.telemetry.log import configure  # noqa: PLC0415 - only doctor talks to the bus

    configure("cli", level="CRITICAL", plain=True)
    diagnosis = asyncio.run(examine(locate(), SystemClock()))
    if as_json:
        put_json(diagnosis)
    else:
        for finding in diagnosis.findings:
            put(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.check:<14}{finding.detail}")
            if finding.hint:
                put(f"{'':20}-> {finding.hint}")
    if not diagnosis.running:
        raise Ended(Exit.UNREACHABLE)
    if not diagnosis.is_well:
        raise Ended(Exit.FAILED)
