"""What the language can grant, read from `templates.toml`."""

from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec


class Level(StrEnum):
    """How much of a service; `templates.toml` says what each means."""

    FULL = "FullAccess"
    READ = "ReadOnly"
    WRITE = "WriteOnly"
    READ_WRITE = "ReadWrite"


UNLIMITED = "all"
"""What rules call an item that names no resource."""


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition, as the file writes it; `value` holds names in braces."""

    operator: str
    key: str
    value: str


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way of writing a resource: canonically, for short, or as one of `arns`, all patterns.

    No `levels` are all levels.
    """

    write: str
    where: str
    short: tuple[str, ...] = ()
    arns: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Actions, without their service, for some levels on ARNs of some types."""

    levels: tuple[Level, ...]
    actions: tuple[str, ...]
    on: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    condition: Limit | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service of the language."""

    title: str
    rules: tuple[Rule, ...]
    words: dict[Level, str]
    note: str = ""
    everywhere: str = ""
    names: dict[str, str] = {}
    types: dict[str, tuple[str, ...]] = {}
    forms: dict[str, Form] = {}

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that it has, the widest first."""
        named = {level for rule in self.rules for level in rule.levels}
        return tuple(level for level in Level if level in named)

    def forms_of(self, level: Level) -> dict[str, Form]:
        """Return how resources of a level may be written."""
        return {
            name: form
            for name, form in self.forms.items()
            if not form.levels or level in form.levels
        }


@cache
def services() -> dict[str, Service]:
    """Return all services by name, in the file's order."""
    text = Path(__file__).with_name("templates.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Service])
