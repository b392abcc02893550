"""The console script `spawn`: a table of commands, each imported only when it is run."""

import importlib
import sys
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from cli.exits import Ended, Exit, guard
from spawn.runtime.settings import load


class Listed(NamedTuple):
    """A command's module in `cli.commands`, and its line in `spawn --help`."""

    module: str
    line: str


COMMANDS: dict[str, Listed] = {
    "up": Listed("control", "Start the control plane on this machine: the bus and all services."),
    "down": Listed(
        "control", "End the control plane; with the laptop cloud all its instances are gone."
    ),
    "doctor": Listed("control", "Check the control plane, and say what to do."),
    "launch": Listed("launch", "Launch an instance or an array of them."),
    "list": Listed("list", "List arrays."),
    "status": Listed("status", "Show one array and its members."),
    "events": Listed("events", "Show what has happened, and follow what happens."),
    "logs": Listed("logs", "Show what the job prints, line by line behind the member's name."),
    "wait": Listed("wait", "Wait until an array is ready, its job has ended, or it is gone."),
    "peers": Listed("peers", "Show where the members of an array are."),
    "exec": Listed("exec", "Run a command on members of an array, beside their job."),
    "checkpoint": Listed(
        "checkpoint", "Run the checkpoint script of an array's members, beside their job."
    ),
    "connect": Listed("connect", "Open a shell on a member of an array."),
    "extend": Listed("extend", "Change when an array ends, or one of its members."),
    "leases": Listed("leases", "Show what ends when, the next first."),
    "stop": Listed("power", "Stop machines: they keep their disk, and their lease goes on."),
    "start": Listed("power", "Start machines that are stopped or hibernated."),
    "hibernate": Listed(
        "power",
        "Stop machines and keep their memory, for what runs to go on when they are started.",
    ),
    "terminate": Listed("terminate", "End an array and all its instances."),
    "gc": Listed("gc", "Find instances that no array accounts for, and end them."),
    "iam": Listed("iam", "Show what machines may be allowed in AWS, and the roles made for it."),
    "dns": Listed("dns", "See which names machines have, and whether they are right."),
    "spot": Listed("spot", "Hear of what the cloud takes back, and set up that it is heard."),
    "sandbox": Listed("sandbox", "Look at the laptop cloud, and make it misbehave."),
}


class LazyGroup(TyperGroup):
    """Shows the table of commands without importing any; a command is imported to be run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, in the table's order."""
        _ = ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return what `--help` and completion need of a command: its name and its line."""
        _ = ctx
        listed = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=listed.line) if listed else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command itself, to be run."""
        self.commands = dict.fromkeys(COMMANDS, TyperCommand(None))  # what typos are compared to
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name and command else command, rest


def load_command(name: str) -> Any:
    """Import a listed command and return it."""
    loaded = typer.Typer()
    importlib.import_module(f"cli.commands.{COMMANDS[name].module}").register(loaded)
    loaded.callback()(_nothing)
    return get_group(loaded).commands[name]


def _nothing() -> None:
    """Make a group of what registered, even when it is one command."""


app = typer.Typer(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    invoke_without_command=True,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        # Slow to import, and only wanted here.
        metadata = importlib.import_module("importlib.metadata")
        typer.echo(f"spawn {metadata.version('spawn')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Short-lived EC2 machines, alone or as job arrays, that always go away again."""
    _ = version
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(Exit.USAGE)


class Debugging(msgspec.Struct, frozen=True):
    """`SPAWN_DEBUG`: anything but empty shows the traceback of a defect."""

    debug: str = ""
    """Anything but empty shows the traceback of a defect."""


def _run() -> None:
    try:
        code = app(prog_name="spawn", standalone_mode=False)
    except typer.Abort as error:
        raise Ended(Exit.DETACHED, "nothing was done") from error
    except typer.TyperException as error:
        raise Ended(Exit(error.exit_code), _usage_message(error)) from error
    if isinstance(code, int) and code:
        raise Ended(Exit(code))


def _usage_message(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    hint = [f"see `{context.command_path} --help`"] if context else []
    # A group without a command has shown its help, and says nothing more.
    return "; ".join([*filter(None, [error.format_message().rstrip(".")]), *hint])


def main() -> None:
    """Run the command line and exit with the code that `cli.exits` lists."""
    sys.exit(guard(_run, debug=bool(load(Debugging).debug)))


if __name__ == "__main__":
    main()
