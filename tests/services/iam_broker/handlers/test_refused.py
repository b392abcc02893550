"""Collecting where IAM refuses a step."""

from services.iam_broker.handlers.ensure import on_ensure
from tests.services.iam_broker.handlers.test_collect import (
    NAME,
    asking,
    collect,
    granted,
    reasons,
)


async def test_one_that_may_not_be_touched_stays_and_the_others_go() -> None:
    broker = await granted()
    other = await broker.clock.finish(on_ensure(asking("sqs:ReadOnly:jobs"), broker.world))
    broker.aws.iam().denied = {NAME}
    report = await collect(broker, now=True)
    assert report.removed == (other.role,)
    assert "not authorized" in reasons(report)[NAME]
