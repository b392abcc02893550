"""Every setting: its variable, default and meaning, from the Structs that are read."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from cli.main import Debugging
from cli.places import AwsSettings as CliAwsSettings
from cli.places import DeploymentSettings as CliDeploymentSettings
from scripts.pages.markdown import code, page, table
from services.dns.config import Settings as DnsSettings
from services.iam_broker.config import Settings as BrokerSettings
from services.launcher.config import Settings as LauncherSettings
from services.spot_watcher.config import Settings as WatcherSettings
from services.ttl.config import Settings as TtlSettings
from spawn.aws.settings import AwsSettings
from spawn.bus.settings import BusSettings
from spawn.contracts.checks import Limits
from spawn.contracts.durations import format_duration
from spawn.runtime.context import RuntimeSettings
from spawn.runtime.home import HomeSettings
from spawn.runtime.supervisor.advertising import AdvertisingSettings
from spawn.runtime.supervisor.deployment import DeploymentSettings
from spawn.runtime.supervisor.settings import SupervisorSettings


class Section(NamedTuple):
    """Settings that one kind of process reads, with the prefix of their variables."""

    title: str
    kind: type[msgspec.Struct]
    prefix: str = "SPAWN_"


SECTIONS = (
    Section("Every command, and the supervisor: the state folder", HomeSettings),
    Section("The supervisor (`spawn up`): whose machines are ours", DeploymentSettings),
    Section("The supervisor: patience", SupervisorSettings),
    Section("The supervisor: machines on other hosts", AdvertisingSettings),
    Section("Every process that hosts services", RuntimeSettings),
    Section("Every process on the bus", BusSettings),
    Section("Every process that calls AWS", AwsSettings, "SPAWN_AWS_"),
    Section("The launcher", LauncherSettings),
    Section("The IAM broker", BrokerSettings),
    Section("The DNS service", DnsSettings),
    Section("The spot watcher", WatcherSettings),
    Section("The TTL service", TtlSettings),
    Section("The command line: where AWS is", CliAwsSettings, "AWS_"),
    Section("The command line: whose bus it is on", CliDeploymentSettings),
    Section("The command line: limits that it checks before it sends", Limits, "SPAWN_MAX_"),
    Section("The command line: defects", Debugging),
)

_INTRODUCTION = """\
Settings are environment variables; there is no configuration file. Durations are written as
people write them (`90m`, `1d12h`), lists with commas; an empty variable counts as unset. A value
that can't be read stops the process with a message that names the variable. `spawn up` passes
its environment on to the processes that it starts. Where AWS is, and as whom it is called, comes
from AWS's own variables and files (`AWS_REGION`, `AWS_PROFILE`, ...)."""


def files() -> Mapping[str, str]:
    """Return the page by path under docs/."""
    parts = (f"## {each.title}\n\n{_table(each)}" for each in SECTIONS)
    return {"settings.md": page("Settings", _INTRODUCTION, *parts)}


def _table(section: Section) -> str:
    return table(("variable", "default", "meaning"), _rows(section))


def _rows(section: Section) -> Iterator[tuple[str, str, str]]:
    hints = get_type_hints(section.kind, include_extras=True)
    documented = _attribute_docstrings(section.kind)
    for field in msgspec.structs.fields(section.kind):
        variable = f"{section.prefix}{field.name.upper()}"
        meaning = _description(hints[field.name]) or documented.get(field.name, "")
        if not meaning:
            raise ValueError(f"{section.kind.__qualname__}.{field.name} says nothing of itself")
        yield code(variable), _shown(field), meaning.rstrip(".")


def _description(hint: Any) -> str:
    metas = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((meta.description for meta in metas if meta.description), "")


def _attribute_docstrings(kind: type) -> dict[str, str]:
    """Return the strings that stand below the fields of a class."""
    tree = ast.parse(inspect.getsource(kind)).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, below in pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = text
            case _:
                pass
    return found


def _shown(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    default = field.default
    match default:
        case timedelta():
            whole = default.total_seconds() >= 1
            return code(format_duration(default) if whole else f"{default.total_seconds():g}s")
        case tuple():
            return ""
        case _:
            return code(str(default))
