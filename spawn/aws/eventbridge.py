"""EventBridge in one region: rules on the default bus, each with a queue as its target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from spawn.errors import NotFound, Transient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from spawn.aws.calls import Calls
    from spawn.aws.shapes import EventRule

_TARGET = "spawn"
"""The id of a rule's one target that is ours; others are left alone."""


class EventBridge:
    """EventBridge in one region."""

    def __init__(self, client: Callable[[], Awaitable[Any]], calls: Calls) -> None:
        # Untyped: stubs for it are not among what the project installs.
        self._client = client
        self._calls = calls

    async def ensure(self, rule: EventRule, tags: Mapping[str, str]) -> bool:
        """Have a rule send what it matches to its queue; say whether it did not before.

        Tags are given to a new rule alone: EventBridge ignores them for one that is there.
        """
        client = await self._client()
        is_there = await self._is_there(rule)
        if not is_there:
            await self._calls.repeat(
                "PutRule",
                lambda: client.put_rule(
                    Name=rule.name,
                    EventPattern=rule.pattern,
                    State="ENABLED",
                    Description=rule.description,
                    Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                ),
            )
        is_aimed = await self._is_aimed(rule)
        if not is_aimed:
            await self._aim(rule)
        return not (is_there and is_aimed)

    async def _is_there(self, rule: EventRule) -> bool:
        client = await self._client()
        try:
            found = await self._calls.repeat(
                "DescribeRule", lambda: client.describe_rule(Name=rule.name)
            )
        except NotFound:
            return False
        pattern = json.loads(found.get("EventPattern") or "{}")
        return bool(pattern == json.loads(rule.pattern) and found.get("State") == "ENABLED")

    async def _is_aimed(self, rule: EventRule) -> bool:
        client = await self._client()
        found = await self._calls.repeat(
            "ListTargetsByRule", lambda: client.list_targets_by_rule(Rule=rule.name)
        )
        return any(target["Arn"] == rule.target_arn for target in found["Targets"])

    async def _aim(self, rule: EventRule) -> None:
        client = await self._client()
        target = {"Id": _TARGET, "Arn": rule.target_arn}
        answer = await self._calls.repeat(
            "PutTargets", lambda: client.put_targets(Rule=rule.name, Targets=[target])
        )
        for failed in answer.get("FailedEntries", []):
            raise Transient(
                f"PutTargets: {failed.get('ErrorMessage', '')} ({failed.get('ErrorCode', '')})"
            )
