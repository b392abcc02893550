"""The queue and the rules of a deployment in one region, as values."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from services.spot_watcher.plan.parsing import HEALTH, RECOMMENDATION, STATE_CHANGE, WARNING
from spawn.errors import Rejected

LONGEST_DEPLOYMENT = 48
"""With `spawn-` and `-rebalance` around it a rule's name has 64 characters
(https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html)."""

_LEAVING = ["stopping", "stopped", "shutting-down", "terminated"]
_ATTRIBUTES = {
    # A warning that nobody has read for longer says nothing any more.
    "MessageRetentionPeriod": "300",
    "VisibilityTimeout": "20",
    "ReceiveMessageWaitTimeSeconds": "20",
    "SqsManagedSseEnabled": "true",
}


class RuleSpec(msgspec.Struct, frozen=True):
    """A rule: its name, what it is for, and the events that it sends, as a pattern."""

    name: str
    about: str
    pattern: dict[str, Any]

    @property
    def text(self) -> str:
        """The pattern as EventBridge takes it."""
        return json.dumps(self.pattern, sort_keys=True)


def check_deployment(deployment: str) -> None:
    """Pass a deployment that rules can be named after; raise `Rejected` otherwise."""
    if len(deployment) > LONGEST_DEPLOYMENT:
        raise Rejected(
            f"SPAWN_DEPLOYMENT={deployment!r}: rules of EventBridge can be named after one of"
            f" {LONGEST_DEPLOYMENT} characters at most",
            field="SPAWN_DEPLOYMENT",
        )


def queue_name(deployment: str) -> str:
    """Return the name of a deployment's queue, in every region the same."""
    return f"spawn-{deployment}-notices"


def rules(deployment: str) -> tuple[RuleSpec, ...]:
    """Return the rules that send to the queue.

    Events of EC2 carry no tags: a rule can't tell whose an instance is, and hears of all.
    """

    def of_ec2(word: str, detail_type: str, **more: Any) -> RuleSpec:
        pattern = {"source": ["aws.ec2"], "detail-type": [detail_type], **more}
        return RuleSpec(f"spawn-{deployment}-{word}", detail_type, pattern)

    health = {
        "source": ["aws.health"],
        "detail-type": [HEALTH],
        "detail": {"service": ["EC2"], "eventTypeCategory": ["scheduledChange"]},
    }
    return (
        of_ec2("spot", WARNING),
        of_ec2("rebalance", RECOMMENDATION),
        of_ec2("state", STATE_CHANGE, detail={"state": _LEAVING}),
        RuleSpec(f"spawn-{deployment}-health", "Scheduled changes of EC2", health),
    )


def attributes() -> Mapping[str, str]:
    """Return the attributes that the queue is made with."""
    return _ATTRIBUTES


def policy(queue_arn: str, rule_arns: tuple[str, ...]) -> Mapping[str, str]:
    """Return the attribute that says who may send: these rules, and nobody else."""
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "RulesMaySend",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": list(rule_arns)}},
            }
        ],
    }
    return {"Policy": json.dumps(document, sort_keys=True)}


def tags(deployment: str) -> Mapping[str, str]:
    """Return the tags of what is made."""
    return {"spawn:managed": "true", "spawn:deployment": deployment}


def rule_arn(queue_arn: str, name: str) -> str:
    """Return the ARN of a rule in the account and region of a queue."""
    _, partition, _, region, account, _ = queue_arn.split(":", 5)
    return f"arn:{partition}:events:{region}:{account}:rule/{name}"
