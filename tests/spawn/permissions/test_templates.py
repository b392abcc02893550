"""The templates, held to AWS's own definitions: what is there, what it does, what it takes."""

import pytest

from spawn.permissions.expansion import expand
from spawn.permissions.items import Item, example_forms, parse, parse_item
from spawn.permissions.resources import arns_of, read_resource
from spawn.permissions.templates import UNLIMITED, Level, Rule, services
from tests.spawn.permissions.definitions import (
    access_of,
    actions_of,
    arn_fits,
    condition_keys_of,
    definitions,
    types_of,
)
from tests.spawn.permissions.strategies import LEVELS, REALM, WRITTEN, items_of

ASKED_FOR = {
    "s3", "dynamodb", "sqs", "sns", "cloudwatch", "logs", "ecr", "secretsmanager", "ssm",
    "lambda", "sts", "kms", "ec2",
}  # fmt: skip

ACCESS = {
    Level.READ: {"Read", "List"},
    Level.WRITE: {"Write", "Tagging"},
    Level.READ_WRITE: {"Read", "List", "Write", "Tagging"},
}

EXCEPTIONS = {
    (Level.READ, "kms:Decrypt"): "AWS calls it a write; it is what reading encrypted data takes",
    (Level.WRITE, "kms:DescribeKey"): "clients look an alias up before they encrypt",
    (Level.WRITE, "sqs:GetQueueUrl"): "a queue is found by it; it tells nothing of messages",
    (Level.WRITE, "logs:DescribeLogStreams"): "CloudWatch's agent looks for its own stream first",
}
"""Actions whose access level is not the one of the level's name, and why they are there."""

RULES = [
    pytest.param(name, rule, id=f"{name}, rule {number}: {rule.actions[0]}")
    for name, service in services().items()
    for number, rule in enumerate(service.rules)
    if rule.actions != ("*",)
]


def test_every_service_that_was_promised_is_there() -> None:
    assert services().keys() == ASKED_FOR


@pytest.mark.parametrize(("name", "rule"), RULES)
class TestTheActionsOfEveryRule:
    def test_exist_and_change_no_permissions(self, name: str, rule: Rule) -> None:
        assert set(rule.actions) <= actions_of(name).keys()
        assert "Permissions management" not in {access_of(name, each) for each in rule.actions}

    def test_do_what_their_levels_are_called_after(self, name: str, rule: Rule) -> None:
        unfit = [
            (level, f"{name}:{action}")
            for level in set(rule.levels) - {Level.FULL}
            for action in rule.actions
            if access_of(name, action) not in ACCESS[level]
        ]
        assert set(unfit) <= EXCEPTIONS.keys()

    def test_take_what_they_are_granted_on(self, name: str, rule: Rule) -> None:
        for action in rule.actions:
            assert set(rule.on) <= types_of(name, action)
            assert bool(rule.on) == bool(types_of(name, action))

    def test_know_the_condition(self, name: str, rule: Rule) -> None:
        for action in rule.actions if rule.condition else ():
            assert rule.condition
            assert rule.condition.key in condition_keys_of(name, action)


@pytest.mark.parametrize(
    ("level", "action"), [pytest.param(*each, id=each[1]) for each in EXCEPTIONS]
)
def test_an_exception_is_one(level: Level, action: str) -> None:
    service, _, name = action.partition(":")
    assert access_of(service, name) not in ACCESS[level]
    assert any(name in rule.actions and level in rule.levels for rule in services()[service].rules)


@pytest.mark.parametrize("name", services())
class TestEveryService:
    def test_types_are_aws_types(self, name: str) -> None:
        # The roles that STS is asked for are IAM's.
        home = {"sts": "iam"}.get(name, name)
        for kind in services()[name].types:
            for arn in arns_of(name, kind, None, REALM):
                assert arn_fits(home, kind, arn)

    def test_rules_name_types_and_forms_that_there_are(self, name: str) -> None:
        service = services()[name]
        for rule in service.rules:
            assert set(rule.on) <= service.types.keys()
            assert set(rule.forms) <= service.forms.keys() | {UNLIMITED}

    def test_every_action_on_a_key_is_one_that_the_condition_can_limit(self, name: str) -> None:
        keys = {rule.condition.key for rule in services()[name].rules if rule.condition}
        assert keys <= definitions()[name]["conditions"].keys()

    def test_has_words_for_every_level(self, name: str) -> None:
        service = services()[name]
        assert service.words.keys() == set(service.levels)
        assert bool(service.everywhere) == bool(service.forms)


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_every_level_is_granted_something_however_it_is_limited(name: str, level: Level) -> None:
    written = [f"{name}:{level}"]
    if services()[name].forms_of(level):
        written += (f"{name}:{level}:{each}" for each in WRITTEN[name])
    for each in written:
        assert list(expand(parse([each]), REALM))


@pytest.mark.parametrize("name", services())
def test_a_limited_item_is_limited_in_all_that_can_be(name: str) -> None:
    for limited in (each for each in map(parse_item, items_of(name)) if each.resources):
        unlimited = Item(limited.service, limited.level)
        wide = {(each.resources, each.conditions) for each in expand([unlimited], REALM)}
        for each in expand([limited], REALM):
            if (each.resources, each.conditions) in wide:
                assert all(map(can_not_be_limited, each.actions))


def can_not_be_limited(action: str) -> bool:
    service, _, name = action.partition(":")
    # A namespace is of metrics; alarms and dashboards have none.
    return not types_of(service, name) or service == "cloudwatch"


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_an_example_of_a_form_can_be_written_by_its_pattern(name: str, level: Level) -> None:
    service = services()[name]
    assert len(example_forms(service, level)) == len(service.forms_of(level))
    for each in WRITTEN[name] if service.forms_of(level) else ():
        assert read_resource(name, level, each) is not None
