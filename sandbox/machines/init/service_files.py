"""What the `[Service]` of a unit asks for.

https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html
"""

import re
import signal
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from sandbox.machines.init.spans import parse_span
from sandbox.machines.init.unit_files import UnitFile, assignments, words

_SECTION = "Service"
_PREFIXES = "-@+!:"
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")
_UNTIL_EXIT = frozenset({"oneshot", "forking"})


class Command(msgspec.Struct, frozen=True):
    """One command line; `may_fail` when a `-` stands before it."""

    words: tuple[str, ...]
    may_fail: bool = False

    def argv(self, env: Mapping[str, str]) -> list[str]:
        """Return the command with its variables replaced, `$NAME` alone split at blanks."""
        found: list[str] = []
        for word in self.words:
            if re.fullmatch(r"\$\w+", word):
                found.extend(env.get(word[1:], "").split())
            else:
                found.append(_VARIABLE.sub(lambda match: _value(match, env), word))
        return found


class ServiceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it is to be run."""

    type: str
    before: tuple[Command, ...]
    main: tuple[Command, ...]
    after: tuple[Command, ...]
    on_stop: tuple[Command, ...]
    after_stop: tuple[Command, ...]
    restart: str
    restart_delay: timedelta
    kill_mode: str
    kill_signal: signal.Signals
    stop_within: timedelta
    run_within: timedelta | None
    remains: bool
    environment: dict[str, str]
    environment_files: tuple[str, ...]
    directory: str
    output: str
    limit_interval: timedelta
    limit_burst: int

    @property
    def until_exit(self) -> bool:
        """Whether it counts as started when its commands have ended."""
        return self.type in _UNTIL_EXIT


def read_service(unit: UnitFile) -> ServiceFile:
    """Return what a unit asks for. Raises ValueError for a value that can't be read."""
    kind = unit.last(_SECTION, "Type", "simple")
    limit = unit.last(_SECTION, "RuntimeMaxSec", "infinity")
    burst = unit.last("Unit", "StartLimitBurst") or unit.last(_SECTION, "StartLimitBurst", "5")
    found = ServiceFile(
        type=kind,
        before=_commands(unit, "ExecStartPre"),
        main=_commands(unit, "ExecStart"),
        after=_commands(unit, "ExecStartPost"),
        on_stop=_commands(unit, "ExecStop"),
        after_stop=_commands(unit, "ExecStopPost"),
        restart=unit.last(_SECTION, "Restart", "no"),
        restart_delay=parse_span(unit.last(_SECTION, "RestartSec", "100ms")),
        kill_mode=unit.last(_SECTION, "KillMode", "control-group"),
        kill_signal=_signal(unit.last(_SECTION, "KillSignal", "SIGTERM")),
        stop_within=parse_span(unit.last(_SECTION, "TimeoutStopSec", "90s")),
        run_within=None if limit == "infinity" else parse_span(limit),
        remains=unit.flag(_SECTION, "RemainAfterExit", default=kind == "forking"),
        environment=_environment(unit),
        environment_files=tuple(unit.all(_SECTION, "EnvironmentFile")),
        directory=unit.last(_SECTION, "WorkingDirectory").removeprefix("-"),
        output=unit.last(_SECTION, "StandardOutput", "journal"),
        limit_interval=_limit_interval(unit),
        limit_burst=int(burst),
    )
    if not found.main and not found.on_stop:
        raise ValueError(f"{unit.name} has no ExecStart= and no ExecStop=")
    return found


def _commands(unit: UnitFile, key: str) -> tuple[Command, ...]:
    return tuple(_command(line) for line in unit.all(_SECTION, key))


def _command(line: str) -> Command:
    found = words(line)
    rest = found[0].lstrip(_PREFIXES)
    marks = found[0][: len(found[0]) - len(rest)]
    arguments = found[1:]
    if "@" in marks and arguments:
        # The word behind is the name that the program sees of itself.
        arguments = arguments[1:]
    return Command((rest, *arguments), may_fail="-" in marks)


def _environment(unit: UnitFile) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in unit.all(_SECTION, "Environment"):
        found.update(assignments(line))
    return found


def _limit_interval(unit: UnitFile) -> timedelta:
    for section in ("Unit", _SECTION):
        for key in ("StartLimitIntervalSec", "StartLimitInterval"):
            value = unit.last(section, key)
            if value:
                return parse_span(value)
    return timedelta(seconds=10)


def _signal(name: str) -> signal.Signals:
    try:
        return signal.Signals(int(name)) if name.isdecimal() else signal.Signals[name]
    except KeyError as error:
        raise ValueError(f"Failed to parse the signal {name!r}") from error


def _value(match: re.Match[str], env: Mapping[str, str]) -> str:
    name = match[1] or match[2]
    return env.get(name, "") if name else "$"
