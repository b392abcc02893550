"""Every template, level and form of resource, decided action by action as IAM decides."""

from collections.abc import Iterator

import pytest

from sandbox.iam.evaluator import Question, Sources, decide
from sandbox.iam.policy import parse_policy
from spawn.contracts.grants import Permissions
from spawn.permissions.patterns import covers_action
from spawn.permissions.policies import Policy, make_policy
from spawn.permissions.statements import Statement
from spawn.permissions.templates import services
from tests.spawn.permissions.definitions import actions_of, types_of
from tests.spawn.permissions.strategies import REALM, items_of

SAMPLE = 7
"""Of the actions that a policy leaves out, each of this number is tried."""


def policies_of(service: str) -> Iterator[Policy]:
    for item in items_of(service):
        yield make_policy(Permissions(policies=(item,)), REALM)


def sources_of(policy: Policy) -> Sources:
    return Sources(identity=(parse_policy(policy.document),))


def named(arn: str) -> str:
    """Return a resource that an ARN with wildcards stands for."""
    return "x" if arn == "*" else arn.replace("*", "one").replace("?", "1")


def context_of(statement: Statement) -> dict[str, tuple[str, ...]]:
    return {each.key.lower(): (named(each.values[0]),) for each in statement.conditions}


def actions_in(statement: Statement) -> list[str]:
    """Return the actions of a statement, a sample of them where it allows all of a service."""
    found: list[str] = []
    for action in statement.actions:
        service, _, name = action.partition(":")
        every = sorted(actions_of(service))[::SAMPLE]
        found += [f"{service}:{each}" for each in every] if name == "*" else [action]
    return found


@pytest.mark.parametrize("service", services())
def test_what_a_policy_names_is_allowed(service: str) -> None:
    for policy in policies_of(service):
        for statement in policy.statements:
            for action in actions_in(statement):
                for arn in statement.resources:
                    question = Question(
                        action=action, resource=named(arn), context=context_of(statement)
                    )
                    assert decide(question, sources_of(policy)).is_allowed, question


@pytest.mark.parametrize("service", services())
def test_actions_that_it_does_not_name_are_denied(service: str) -> None:
    others = [f"{service}:{name}" for name in sorted(actions_of(service))[::SAMPLE]]
    others += ["iam:CreateRole", "ec2:RunInstances", "organizations:LeaveOrganization"]
    for policy in policies_of(service):
        allowed = [action for each in policy.statements for action in each.actions]
        arns = {named(arn) for each in policy.statements for arn in each.resources}
        for action in others:
            if any(covers_action(each, action) for each in allowed):
                continue
            for arn in arns:
                decision = decide(Question(action=action, resource=arn), sources_of(policy))
                assert not decision.is_allowed, (policy.sources[0].name, action, arn)


@pytest.mark.parametrize("service", [name for name, each in services().items() if each.forms])
def test_resources_and_conditions_that_it_does_not_name_are_denied(service: str) -> None:
    for policy in policies_of(service):
        item = policy.sources[0].item
        for statement in policy.statements if item and item.resources else ():
            for action in actions_in(statement):
                if types_of(*action.split(":")) and "*" not in statement.resources:
                    question = Question(action=action, resource=f"arn:aws:{service}:::other")
                    assert not decide(question, sources_of(policy)).is_allowed, question
                if statement.conditions:
                    without = Question(action=action, resource=named(statement.resources[0]))
                    assert not decide(without, sources_of(policy)).is_allowed, without
