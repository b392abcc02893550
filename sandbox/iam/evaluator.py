"""The decision on one action on one resource, as IAM takes it within an account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: what
any policy denies is denied; else the identity's policies must allow it, and the boundary, and the
policies of the session, where there are any.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from sandbox.iam.conditions import holds
from sandbox.iam.patterns import Context, matches, matches_any_case
from sandbox.iam.policy import Element, Policy, Statement

Layer = Literal["identity-based policy", "permissions boundary", "session policy"]
Verdict = Literal["allow", "implicit deny", "explicit deny"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One action on one resource; `also` are other spellings of the resource's ARN."""

    action: str
    resource: str = "*"
    also: tuple[str, ...] = ()
    context: dict[str, tuple[str, ...]] = {}


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The policies that count for a principal; None is a layer that it does not have."""

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None

    def layers(self) -> Iterable[tuple[Layer, tuple[Policy, ...]]]:
        """Yield the layers, in the order in which IAM names them in a refusal."""
        yield "identity-based policy", self.identity
        if self.boundary is not None:
            yield "permissions boundary", self.boundary
        if self.session is not None:
            yield "session policy", self.session


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, in which layer, by which statement; none decides an implicit deny."""

    verdict: Verdict
    layer: Layer = "identity-based policy"
    policy: str = ""
    statement: Statement | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether the action may be done."""
        return self.verdict == "allow"


def decide(question: Question, sources: Sources) -> Decision:
    """Decide a question."""
    said: list[tuple[Layer, list[Decision]]] = [
        (layer, list(_said(layer, policies, question))) for layer, policies in sources.layers()
    ]
    for _, decisions in said:
        for decision in decisions:
            if not decision.is_allowed:
                return decision
    for layer, decisions in said:
        if not decisions:
            return Decision(verdict="implicit deny", layer=layer)
    return said[0][1][0]


def _said(layer: Layer, policies: Iterable[Policy], question: Question) -> Iterable[Decision]:
    for policy in policies:
        for statement in policy.statements:
            if applies(statement, question):
                verdict = "allow" if statement.allows else "explicit deny"
                yield Decision(
                    verdict=verdict, layer=layer, policy=policy.name, statement=statement
                )


def applies(statement: Statement, question: Question) -> bool:
    """Say whether a statement speaks of a question."""
    context: Context = question.context
    if not _names_action(statement.action, question.action):
        return False
    variables = context if statement.has_variables else None
    if statement.resource is not None and not _names_resource(
        statement.resource, question, variables
    ):
        return False
    return all(
        holds(condition, context, has_variables=statement.has_variables)
        for condition in statement.conditions
    )


def _names_action(element: Element, action: str) -> bool:
    return element.negated is not any(
        matches_any_case(pattern, action) for pattern in element.patterns
    )


def _names_resource(element: Element, question: Question, variables: Context | None) -> bool:
    return element.negated is not any(
        matches(pattern, spelling, variables)
        for pattern in element.patterns
        for spelling in (question.resource, *question.also)
    )
