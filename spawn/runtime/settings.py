"""Settings: environment variables decoded into a frozen Struct, and nothing else.

A field `bus_url` of a Struct loaded with prefix `SPAWN_` is read from `SPAWN_BUS_URL`.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec

from spawn.contracts.durations import format_duration, parse_duration
from spawn.errors import Rejected

S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S], *, prefix: str = "SPAWN_", env: Mapping[str, str] | None = None) -> S:
    """Decode the fields of `kind` from the environment.

    Durations are written as people write them (`90m`, and `400ms`), lists with commas. An empty
    variable counts as unset. Raises `Rejected` naming the variable, its value and what would be
    right.
    """
    env = os.environ if env is None else env
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        variable = f"{prefix}{field.name.upper()}"
        text = env.get(variable, "")
        if text:
            values[field.name] = _decode(variable, text, field.type)
        elif field.required:
            raise Rejected(f"{variable} is not set and has no default", field=variable)
    return kind(**values)


def environment() -> dict[str, str]:
    """Return a copy of the whole environment: what a child process is given."""
    return dict(os.environ)


class Variable(msgspec.Struct, frozen=True):
    """One setting as the documentation lists it; `default` is None when it must be set."""

    name: str
    default: str | None
    description: str


def variables(kind: type[msgspec.Struct], *, prefix: str = "SPAWN_") -> tuple[Variable, ...]:
    """List the settings of a Struct, in order, as `load` reads them.

    A field's description is that of its `Annotated[…, msgspec.Meta(description=…)]`.
    """
    return tuple(
        Variable(
            name=f"{prefix}{field.name.upper()}",
            default=None if field.required else _write(_default(field)),
            description=_description(field.type),
        )
        for field in msgspec.structs.fields(kind)
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _parse_duration(text: str) -> timedelta:
    milliseconds = text.removesuffix("ms")
    if milliseconds != text and milliseconds.isdecimal():
        return timedelta(milliseconds=int(milliseconds))
    return parse_duration(text)


def _write(value: Any) -> str:
    if isinstance(value, timedelta):
        whole = value.microseconds == 0
        return format_duration(value) if whole else f"{value // timedelta(milliseconds=1)}ms"
    if isinstance(value, tuple):
        return ",".join(str(each) for each in cast("tuple[Any, ...]", value))
    return str(value)


def _description(kind: Any) -> str:
    metas = (each for each in get_args(kind) if isinstance(each, msgspec.Meta))
    return next((meta.description for meta in metas if meta.description), "")


def _decode(variable: str, text: str, kind: Any) -> Any:
    bare = kind.__origin__ if get_origin(kind) is Annotated else kind
    try:
        if bare is timedelta or timedelta in get_args(bare):
            return _parse_duration(text)
        if getattr(bare, "__origin__", None) is tuple:
            return msgspec.convert(tuple(filter(None, text.split(","))), kind, strict=False)
        return msgspec.convert(text, kind, strict=False)
    except (msgspec.ValidationError, Rejected) as error:
        raise Rejected(f"{variable}={text!r}: {error}{_choices(bare)}", field=variable) from error


def _choices(kind: Any) -> str:
    """Write what an enumeration allows."""
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return ""
    return f"; use one of {', '.join(str(each.value) for each in kind)}"
