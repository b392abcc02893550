"""What parliament finds in policy documents: unknown actions, resources that don't fit.

https://github.com/duo-labs/parliament; docs/adr/0022 says why it stands behind this door.
"""

import importlib
import re
import warnings
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, cast

from spawn.contracts.grants import Caution
from spawn.permissions.documents import document
from spawn.permissions.grammar import read_document
from spawn.permissions.patterns import is_wild
from spawn.permissions.statements import Statement

_ABOUT = re.compile(r" for action (\S+)$")
"""How it says which action a finding is about."""

_OURS = {"RESOURCE_STAR", "RESOURCE_EFFECTIVELY_STAR"}
"""Said by `cautions`, with what to write instead."""

_RIGHT = {
    "UNKNOWN_ACTION": "use one of the Service Authorization Reference",
    "UNKNOWN_PREFIX": "use a service of the Service Authorization Reference",
    "RESOURCE_MISMATCH": "use an ARN that the action takes, or * where it takes none",
    "UNKNOWN_CONDITION_FOR_ACTION": "use a key that all of the statement's actions know",
}


def is_installed() -> bool:
    """Say whether there is a parliament to ask."""
    return _parliament() is not None


def audit(text: str, where: str) -> tuple[Caution, ...]:
    """Return what parliament finds in a document; nothing where it is not installed.

    Raises `Rejected` for a document that IAM would not take. The first call reads parliament's
    10 MB of definitions, for some 400 ms: call it in a thread.
    """
    statements = read_document(text)
    parliament = _parliament()
    if parliament is None:
        return ()
    return tuple(
        finding
        for number, statement in enumerate(statements)
        for finding in _findings(parliament, statement, f"{where}, Statement[{number}]")
    )


def _findings(parliament: Any, statement: Statement, where: str) -> Iterator[Caution]:
    named = {action.lower() for action in statement.actions if not is_wild(action)}
    for found in parliament.analyze_policy_string(document([statement])).findings:
        code = str(found.issue)
        detail = "" if code in _OURS else _detail(found.detail, named)
        if detail:
            title = str(parliament.enhance_finding(found).title).strip()
            said = detail if detail.startswith(title) else f"{title}: {detail}"
            right = _RIGHT.get(code, "")
            yield Caution(code=code, message=f"{said}: {right}" if right else said, where=where)


def _detail(detail: Any, named: AbstractSet[str]) -> str:
    """Write a finding's detail; empty when it is about actions that only wildcards stand for.

    Of those there are hundreds, most of which nobody thought of.
    """
    if isinstance(detail, list):
        actions = cast("list[dict[str, str]]", detail)
        return ", ".join(
            f"{each['action']} takes {each['required_format']}"
            for each in actions
            if each["action"].lower() in named
        )
    about = _ABOUT.search(str(detail))
    return "" if about and about[1].lower() not in named else str(detail)


@cache
def _parliament() -> Any:
    with warnings.catch_warnings():
        # It leaves its files to be closed by the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return importlib.import_module("parliament")
        except ModuleNotFoundError:
            return None
