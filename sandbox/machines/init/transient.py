"""`systemd-run`: units that stand in no file.

https://www.freedesktop.org/software/systemd/man/latest/systemd-run.html
"""

from secrets import token_hex

import msgspec

from sandbox.machines.init.messages import Answer
from sandbox.machines.init.service import Service
from sandbox.machines.init.systemd import Systemd, full_name
from sandbox.machines.init.unit_files import UnitFile

_TIMES = {
    "--on-active": "OnActiveSec",
    "--on-boot": "OnBootSec",
    "--on-startup": "OnStartupSec",
    "--on-unit-active": "OnUnitActiveSec",
    "--on-unit-inactive": "OnUnitInactiveSec",
    "--on-calendar": "OnCalendar",
}
_SERVICE = {"--service-type": "Type", "--working-directory": "WorkingDirectory"}
_SHORT = {"-p": "--property", "-E": "--setenv", "-u": "--unit"}
_IGNORED = frozenset({"--description", "--slice", "--uid", "--gid", "--nice"})
_TAKES_VALUE = frozenset(
    {*_TIMES, *_SERVICE, *_IGNORED, "--property", "--setenv", "--unit", "--timer-property"}
)
_OF_UNIT = frozenset({"StartLimitBurst", "StartLimitIntervalSec", "StartLimitInterval"})


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A call of systemd-run: its units as written down, and how to run them."""

    service: UnitFile
    timer: UnitFile | None
    command: list[str]
    here: bool
    """Run it in the caller's place: `--scope`, `--pipe` and `--pty`."""
    wait: bool
    block: bool
    quiet: bool


async def run(systemd: Systemd, arguments: list[str], directory: str) -> Answer:
    """Do what systemd-run was called for. Raises ValueError and `UnitError`."""
    asked = parse_run(arguments, directory, name=f"run-u{token_hex(4)}")
    if asked.here:
        return Answer(execute=asked.command)
    systemd.add_transient(asked.service)
    if asked.timer is not None:
        systemd.add_transient(asked.timer)
        await systemd.start(asked.timer.name)
        return _told(asked, f"Running timer as unit: {asked.timer.name}\n")
    await systemd.start(asked.service.name, wait=asked.block)
    unit = systemd.load(asked.service.name)
    if asked.wait and isinstance(unit, Service):
        await unit.over.wait()
        return Answer(unit.status if unit.status >= 0 else 128 - unit.status)
    return _told(asked, f"Running as unit: {asked.service.name}\n")


def parse_run(arguments: list[str], directory: str, *, name: str) -> Run:
    """Read the arguments. Raises ValueError with what systemd-run would say."""
    given, command = _split(arguments)
    timed = any(option in given for option in _TIMES)
    if not command and "--unit" not in given:
        raise ValueError("Command line to execute required.")
    stem = full_name(given["--unit"][-1]).rpartition(".")[0] if "--unit" in given else name
    service = _service(given, command, directory, name=f"{stem}.service")
    timer = _timer(given, name=f"{stem}.timer") if timed else None
    return Run(
        service=service,
        timer=timer,
        command=command,
        here=any(one in given for one in ("--scope", "--pipe", "-P", "--pty", "-t")),
        wait="--wait" in given,
        block="--no-block" not in given,
        quiet="--quiet" in given or "-q" in given,
    )


def _split(arguments: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    given: dict[str, list[str]] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        name, mark, value = word.partition("=")
        if not word.startswith("--") and word[:2] in _SHORT:
            name, value, mark = _SHORT[word[:2]], word[2:], word[2:]
        if name in _TAKES_VALUE and not mark:
            if not rest:
                raise ValueError(f"systemd-run: option '{name}' requires an argument")
            value = rest.pop(0)
        given.setdefault(name, []).append(value)
    return given, rest


def _service(
    given: dict[str, list[str]], command: list[str], directory: str, *, name: str
) -> UnitFile:
    settings: dict[tuple[str, str], list[str]] = {
        ("Service", "ExecStart"): [" ".join(_quoted(word) for word in command)],
        ("Service", "WorkingDirectory"): [directory if "-d" in given else "/"],
    }
    for option, key in _SERVICE.items():
        if option in given:
            settings["Service", key] = given[option]
    if "-r" in given or "--remain-after-exit" in given:
        settings["Service", "RemainAfterExit"] = ["yes"]
    if "--setenv" in given:
        settings["Service", "Environment"] = [_quoted(one) for one in given["--setenv"]]
    for one in given.get("--property", ()):
        key, _, value = one.partition("=")
        section = "Unit" if key in _OF_UNIT else "Service"
        settings.setdefault((section, key), []).append(value)
    return UnitFile(name, settings)


def _timer(given: dict[str, list[str]], *, name: str) -> UnitFile:
    settings = {("Timer", key): given[one] for one, key in _TIMES.items() if one in given}
    settings["Timer", "RemainAfterElapse"] = ["no"]
    for one in given.get("--timer-property", ()):
        key, _, value = one.partition("=")
        settings.setdefault(("Timer", key), []).append(value)
    return UnitFile(name, settings)


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def _told(asked: Run, text: str) -> Answer:
    return Answer(err="" if asked.quiet else text)
