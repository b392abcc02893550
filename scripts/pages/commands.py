"""The command line: every command's arguments, flags and defaults, and the exit codes."""

from collections.abc import Iterator, Mapping
from enum import Enum, EnumType
from pathlib import Path
from typing import Any, cast

from cli.exits import Exit
from cli.main import COMMANDS, load_command
from scripts.pages.markdown import code, page, table

EXITS: dict[Exit, str] = {
    Exit.DONE: "Done.",
    Exit.FAILED: "The array, its job or what `exec` ran failed, or the array was ended; of a"
    " failed launch nothing is left. `doctor`: something is wrong.",
    Exit.USAGE: "The command line can't be understood; the message names the flag.",
    Exit.REJECTED: "Refused: the message names the field and what is right.",
    Exit.NOT_FOUND: "There is no such array; the nearest names are shown.",
    Exit.UNREACHABLE: "The control plane can't be reached; the message says how to start one.",
    Exit.TIMED_OUT: "`--timeout` is over; what was asked for goes on.",
    Exit.BUG: "A defect of spawn; `SPAWN_DEBUG=1` shows where.",
    Exit.DETACHED: "Interrupted by Ctrl-C; what was asked for goes on.",
}

_INTRODUCTION = """\
Results go to stdout, messages for people to stderr. With `--json` stdout holds JSON only: one
object, or one a line where there are several. ARRAY is a name or an id; of arrays with the same
name the living one is meant, else the newest. Tables are drawn on a terminal and plain when
piped; `NO_COLOR` is honoured. `spawn --install-completion` sets up completion, array names
included."""


def files() -> Mapping[str, str]:
    """Return the page by path under docs/."""
    codes = table(("code", "meaning"), ((str(int(each)), EXITS[each]) for each in Exit))
    sections = [section for name in COMMANDS for section in _sections(name, load_command(name))]
    return {
        "cli.md": page("Commands", _INTRODUCTION, f"## Exit codes\n\n{codes}", *sections),
    }


def _sections(name: str, command: Any, *, level: int = 2) -> Iterator[str]:
    parameters = [each for each in command.params if not each.hidden]
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    options = [each for each in parameters if each.param_type_name == "option"]
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    words = [each.metavar or each.name.upper() for each in arguments]
    usage = " ".join(("spawn", name, *words, *(["COMMAND"] if inner else [])))
    parts = [f"{'#' * level} `{usage}`", (command.help or "").strip()]
    rows = [*map(_argument, arguments), *map(_option, options)]
    if rows:
        parts.append(table(("flag", "default", "meaning"), rows))
    yield "\n\n".join(filter(None, parts))
    for word, each in inner.items():
        yield from _sections(f"{name} {word}", each, level=level + 1)


def _argument(parameter: Any) -> tuple[str, str, str]:
    return code(parameter.metavar or parameter.name.upper()), "", parameter.help or ""


def _option(parameter: Any) -> tuple[str, str, str]:
    names = ", ".join(code(each) for each in (*parameter.opts, *parameter.secondary_opts))
    if not parameter.is_flag:
        names += f" {code(parameter.metavar or _kind(parameter))}"
    return names, code(_default(parameter)), parameter.help or ""


def _kind(parameter: Any) -> str:
    annotation: Any = parameter.type_descriptor.annotation
    if isinstance(annotation, EnumType):
        return "|".join(str(each.value) for each in cast("type[Enum]", annotation))
    return "NUMBER" if annotation in (int, float) else "FILE" if annotation is Path else "TEXT"


def _default(parameter: Any) -> str:
    default = parameter.default
    if default in (None, "", False) or default == ():
        return ""
    return str(default.value if isinstance(default, Enum) else default)
