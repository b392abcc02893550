"""The template makes what `spawn spot setup` makes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.spot_watcher.plan import setup

TEMPLATE = Path(__file__).parents[2] / "deploy" / "spot-watcher.cfn.yaml"
DEPLOYMENT = "team-a"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: what a name stands for, filled in where it is known."""


def _construct(loader: _Loader, suffix: str, node: yaml.ScalarNode) -> str:
    text = str(loader.construct_scalar(node))
    if suffix == "Sub":
        return text.replace("${Deployment}", DEPLOYMENT)
    return DEPLOYMENT if text == "Deployment" else f"{suffix} {text}"


_Loader.add_multi_constructor("!", _construct)  # pyright: ignore[reportUnknownMemberType] - its stubs lack a type


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return yaml.load(TEMPLATE.read_text(), Loader=_Loader)  # noqa: S506 - a safe loader with tags


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: each["Properties"]
        for name, each in template["Resources"].items()
        if each["Type"] == kind
    }


def test_the_rules_are_the_same(template: dict[str, Any]) -> None:
    found = of_type(template, "AWS::Events::Rule").values()
    wanted = setup.rules(DEPLOYMENT)
    assert [each["Name"] for each in found] == [rule.name for rule in wanted]
    assert [each["EventPattern"] for each in found] == [rule.pattern for rule in wanted]
    assert [each["Description"] for each in found] == [rule.about for rule in wanted]
    assert all(each["State"] == "ENABLED" for each in found)
    assert [[t["Arn"] for t in each["Targets"]] for each in found] == [["GetAtt Queue.Arn"]] * 4


def test_the_queue_is_the_same(template: dict[str, Any]) -> None:
    (queue,) = of_type(template, "AWS::SQS::Queue").values()
    assert queue["QueueName"] == setup.queue_name(DEPLOYMENT)
    attributes = {name: str(queue[name]).lower() for name in setup.attributes()}
    assert attributes == dict(setup.attributes())
    tags = {tag["Key"]: tag["Value"] for tag in queue["Tags"]}
    assert tags == dict(setup.tags(DEPLOYMENT))


def test_only_the_rules_may_send(template: dict[str, Any]) -> None:
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    rules = of_type(template, "AWS::Events::Rule")
    senders = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert senders == [f"GetAtt {name}.Arn" for name in rules]
    assert statement["Action"] == "sqs:SendMessage"


def test_the_longest_deployment_is_the_same(template: dict[str, Any]) -> None:
    pattern = template["Parameters"]["Deployment"]["AllowedPattern"]
    assert re.fullmatch(pattern, "d" * setup.LONGEST_DEPLOYMENT)
    assert not re.fullmatch(pattern, "d" * (setup.LONGEST_DEPLOYMENT + 1))
