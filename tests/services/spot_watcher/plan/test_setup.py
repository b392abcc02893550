import json

import pytest

from services.spot_watcher.plan import setup
from spawn.errors import Rejected

QUEUE = "arn:aws-cn:sqs:cn-north-1:123456789012:spawn-team-a-notices"


def test_rules_and_queue_are_named_after_the_deployment_and_fit() -> None:
    longest = "d" * setup.LONGEST_DEPLOYMENT
    setup.check_deployment(longest)
    assert all(len(rule.name) <= 64 for rule in setup.rules(longest))
    assert len(setup.queue_name(longest)) <= 80
    assert len({rule.name for rule in setup.rules(longest)}) == 4
    with pytest.raises(Rejected) as refusal:
        setup.check_deployment(longest + "d")
    assert refusal.value.field == "SPAWN_DEPLOYMENT"


def test_only_the_rules_may_send_to_the_queue() -> None:
    senders = tuple(setup.rule_arn(QUEUE, rule.name) for rule in setup.rules("team-a"))
    assert senders[0] == "arn:aws-cn:events:cn-north-1:123456789012:rule/spawn-team-a-spot"
    (statement,) = json.loads(setup.policy(QUEUE, senders)["Policy"])["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": list(senders)}}
    assert (statement["Resource"], statement["Action"]) == (QUEUE, "sqs:SendMessage")


def test_starts_are_not_listened_to() -> None:
    (states,) = [
        rule.pattern["detail"]["state"] for rule in setup.rules("x") if rule.name.endswith("state")
    ]
    assert "running" not in states
    assert {"shutting-down", "terminated"} <= set(states)
