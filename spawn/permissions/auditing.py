"""What parliament finds in policy documents: unknown actions, resources that don't fit.

https://github.com/duo-labs/parliament; docs/adr/0022 says why it stands behind this door.
"""

import importlib
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from spawn.contracts.grants import Caution

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


def audit(document: str, where: str) -> tuple[Caution, ...]:
    """Return what parliament finds in a document that is well-formed; nothing without it.

    The first call reads parliament's 10 MB of definitions, for some 400 ms: call it in a thread.
    """
    parliament = _parliament()
    if parliament is None:
        return ()
    return tuple(dict.fromkeys(_findings(parliament, document, where)))


def _findings(parliament: Any, document: str, where: str) -> Iterator[Caution]:
    for found in parliament.analyze_policy_string(document).findings:
        code = str(found.issue)
        if code not in _OURS:
            title = str(parliament.enhance_finding(found).title).strip()
            said = (_message(title, found.detail), _RIGHT.get(code, ""))
            yield Caution(code=code, message=": ".join(filter(None, said)), where=where)


def _message(title: str, detail: Any) -> str:
    """Join a finding's title and detail, which is a text, or says what ARNs an action takes."""
    if isinstance(detail, list):
        actions = cast("list[dict[str, str]]", detail)
        detail = ", ".join(f"{each['action']} takes {each['required_format']}" for each in actions)
    text = str(detail or "")
    return text if text.startswith(title) else f"{title}: {text}".rstrip(": ")


@cache
def _parliament() -> Any:
    with warnings.catch_warnings():
        # It leaves its files to be closed by the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return importlib.import_module("parliament")
        except ModuleNotFoundError:
            return None
