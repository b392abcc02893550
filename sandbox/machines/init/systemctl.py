"""`systemctl`: its options and its verbs.

https://www.freedesktop.org/software/systemd/man/latest/systemctl.html
"""

import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from sandbox.machines.init import show
from sandbox.machines.init.messages import Answer
from sandbox.machines.init.service import Service
from sandbox.machines.init.systemd import Systemd, UnitError, full_name

_FAILED, _INACTIVE, _UNKNOWN_UNIT = 1, 3, 4
_TAKES_VALUE = frozenset(
    {"-p", "--property", "-s", "--signal", "-t", "--type", "-n", "--lines", "-o"}
)
_WITHOUT_UNITS = frozenset(
    {"daemon-reload", "daemon-reexec", "is-system-running", "list-units", "list-timers", "show"}
    | {"reset-failed", "set-default"}
)


class Options(msgspec.Struct, frozen=True):
    """The words of a call of systemctl, and its options with their values."""

    words: list[str]
    given: dict[str, list[str]]

    def has(self, *names: str) -> bool:
        """Tell whether one of the options was given."""
        return any(name in self.given for name in names)

    def values(self, *names: str) -> list[str]:
        """Return the values of an option, those with commas split."""
        return [
            one for name in names for value in self.given.get(name, ()) for one in value.split(",")
        ]


def parse_options(arguments: Sequence[str]) -> Options:
    """Tell options and words apart, in any order."""
    found: list[str] = []
    given: dict[str, list[str]] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            found.append(word)
            continue
        name, mark, value = word.partition("=")
        if not mark and name in _TAKES_VALUE and rest:
            value = rest.pop(0)
        given.setdefault(name, []).append(value)
    return Options(found, given)


class Systemctl:
    """Does what systemctl is called for; `poweroff` and its like are not its own."""

    def __init__(self, systemd: Systemd) -> None:
        self._systemd = systemd
        self._verbs: dict[str, Callable[[Options], Coroutine[Any, Any, Answer]]] = {
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "try-restart": self._restart,
            "reload-or-restart": self._restart,
            "enable": self._enable,
            "disable": self._disable,
            "is-active": self._is_active,
            "is-failed": self._is_failed,
            "is-enabled": self._is_enabled,
            "status": self._status,
            "show": self._show,
            "kill": self._kill,
            "daemon-reload": self._reload,
            "daemon-reexec": self._reload,
            "is-system-running": self._is_running,
            "list-units": self._list_units,
            "list-timers": self._list_timers,
            "reset-failed": self._nothing,
            "set-default": self._nothing,
        }

    async def run(self, options: Options) -> Answer:
        """Do it. Raises `UnitError`."""
        verb, words = (options.words or ["list-units"])[0], options.words[1:]
        action = self._verbs.get(verb)
        if options.has("--user"):
            return Answer(_FAILED, err="Failed to connect to bus: there is no user instance\n")
        if action is None:
            return Answer(_FAILED, err=f"Unknown command verb {verb}.\n")
        if not words and verb not in _WITHOUT_UNITS:
            return Answer(_FAILED, err="Too few arguments.\n")
        return await action(Options(words, options.given))

    async def _reload(self, _options: Options) -> Answer:
        self._systemd.reload()
        return Answer()

    async def _nothing(self, _options: Options) -> Answer:
        return Answer()

    async def _is_running(self, _options: Options) -> Answer:
        return Answer(out="running\n")

    async def _list_units(self, _options: Options) -> Answer:
        return Answer(out=show.table(self._systemd, timers=False))

    async def _list_timers(self, _options: Options) -> Answer:
        return Answer(out=show.table(self._systemd, timers=True))

    async def _start(self, options: Options) -> Answer:
        for name in options.words:
            await self._systemd.start(name, wait=not options.has("--no-block"))
        return Answer()

    async def _stop(self, options: Options) -> Answer:
        for name in options.words:
            await self._systemd.stop(name)
        return Answer()

    async def _restart(self, options: Options) -> Answer:
        await self._stop(options)
        return await self._start(options)

    async def _enable(self, options: Options) -> Answer:
        done = [line for name in options.words for line in self._systemd.enable(name)]
        if options.has("--now"):
            await self._start(options)
        return Answer(err="".join(f"{line}\n" for line in done))

    async def _disable(self, options: Options) -> Answer:
        done = [line for name in options.words for line in self._systemd.disable(name)]
        if options.has("--now"):
            await self._stop(options)
        return Answer(err="".join(f"{line}\n" for line in done))

    async def _is_active(self, options: Options) -> Answer:
        states = [show.state(self._systemd, name) for name in options.words]
        out = "" if options.has("-q", "--quiet") else "".join(f"{one}\n" for one in states)
        return Answer(0 if "active" in states else _INACTIVE, out=out)

    async def _is_failed(self, options: Options) -> Answer:
        states = [show.state(self._systemd, name) for name in options.words]
        out = "" if options.has("-q", "--quiet") else "".join(f"{one}\n" for one in states)
        return Answer(0 if "failed" in states else _FAILED, out=out)

    async def _is_enabled(self, options: Options) -> Answer:
        states = [self._systemd.enablement(name) for name in options.words]
        out = "" if options.has("-q", "--quiet") else "".join(f"{one}\n" for one in states)
        return Answer(0 if "disabled" not in states else _FAILED, out=out)

    async def _status(self, options: Options) -> Answer:
        try:
            out = "\n".join(show.status(self._systemd, name) for name in options.words)
        except UnitError as error:
            return Answer(_UNKNOWN_UNIT, err=f"{error}\n")
        states = [show.state(self._systemd, name) for name in options.words]
        return Answer(0 if set(states) == {"active"} else _INACTIVE, out=out)

    async def _show(self, options: Options) -> Answer:
        wanted = options.values("-p", "--property")
        values_only = options.has("--value")
        blocks = [
            show.properties(self._systemd, full_name(name), wanted, values_only=values_only)
            for name in options.words
        ]
        return Answer(out="\n".join(blocks))

    async def _kill(self, options: Options) -> Answer:
        number = (options.values("-s", "--signal") or ["SIGTERM"])[0]
        name = number if number.startswith("SIG") or number.isdecimal() else f"SIG{number}"
        chosen = signal.Signals(int(name)) if name.isdecimal() else signal.Signals[name]
        for word in options.words:
            unit = self._systemd.load(word)
            if isinstance(unit, Service):
                unit.kill(chosen)
        return Answer()
