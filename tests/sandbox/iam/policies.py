"""Policies and questions, written as IAM's documentation writes them."""

import json
from typing import Any

from sandbox.iam.evaluator import Decision, Question, Sources, decide
from sandbox.iam.policy import Policy, parse_policy
from sandbox.iam.questions.asking import question

VERSION = "2012-10-17"


def policy(*statements: dict[str, Any], version: str = VERSION) -> Policy:
    """Return a policy of these statements."""
    return parse_policy(json.dumps({"Version": version, "Statement": list(statements)}), "test")


def allow(action: Any = "*", resource: Any = "*", **condition: Any) -> dict[str, Any]:
    """Return a statement that allows; `condition` is operator -> keys."""
    return statement("Allow", action, resource, condition)


def deny(action: Any = "*", resource: Any = "*", **condition: Any) -> dict[str, Any]:
    """Return a statement that denies."""
    return statement("Deny", action, resource, condition)


def statement(
    effect: str, action: Any, resource: Any, condition: dict[str, Any]
) -> dict[str, Any]:
    given = {"Effect": effect, "Action": action, "Resource": resource}
    # Operators with a colon can't be written as keywords: `ForAnyValue_StringLike`.
    named = {name.replace("_", ":"): keys for name, keys in condition.items()}
    return {**given, "Condition": named} if named else given


def asked(action: str, resource: str = "*", **context: Any) -> Question:
    """Return a question; keys of the context have `__` for `:`, and `___` for `/`."""
    named = {
        key.replace("___", "/").replace("__", ":"): (value,) if isinstance(value, str) else value
        for key, value in context.items()
    }
    return question(action, resource, named)


def decided(asking: Question, *policies: Policy, **layers: Any) -> Decision:
    """Return what an identity with these policies is answered."""
    return decide(asking, Sources(identity=policies, **layers))
