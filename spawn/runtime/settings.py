"""Settings: environment variables decoded into a frozen Struct, and nothing else.

A field `bus_url` of a Struct loaded with prefix `SPAWN_` is read from `SPAWN_BUS_URL`.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar, get_args

import msgspec

from spawn.contracts.durations import parse_duration
from spawn.errors import Rejected

S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S], *, prefix: str = "SPAWN_", env: Mapping[str, str] | None = None) -> S:
    """Decode the fields of `kind` from the environment.

    Durations are written as people write them (`90m`), lists with commas. An empty variable
    counts as unset. Raises `Rejected` naming the variable, its value and what would be right.
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


def _decode(variable: str, text: str, kind: Any) -> Any:
    try:
        if kind is timedelta or timedelta in get_args(kind):
            return parse_duration(text)
        if getattr(kind, "__origin__", None) is tuple:
            return msgspec.convert(tuple(filter(None, text.split(","))), kind, strict=False)
        return msgspec.convert(text, kind, strict=False)
    except (msgspec.ValidationError, Rejected) as error:
        raise Rejected(f"{variable}={text!r}: {error}", field=variable) from error
