"""What EC2 takes back: warnings of spot interruptions, recommendations, and the end itself.

A warning goes both roads, to EventBridge and to the metadata service, each with its lateness; the
interruption comes at its instant whatever became of the warning.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
"""

import json
from datetime import datetime, timedelta
from functools import partial

from sandbox.ec2 import lifecycle
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.records import Interruption, Rebalance, Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import SPOT_SHUTDOWN, SPOT_TERMINATION, State

WARNING = "EC2 Spot Instance Interruption Warning"
RECOMMENDATION = "EC2 Instance Rebalance Recommendation"

LEAD = timedelta(minutes=2)
"""From what a warning gives as its time to the interruption: one that comes with a shorter lead is
one that EC2 has made known late."""

_AT_ONCE = timedelta(0)
_INTERRUPTIBLE = frozenset({State.PENDING, State.RUNNING})


def interrupt(
    cloud: Cloud,
    region: RegionState,
    record: Record,
    *,
    lead: timedelta | None = None,
    silent: bool = False,
) -> bool:
    """Warn of an interruption and have it come; say whether the instance is EC2's to take.

    Without a `lead` it is as the cloud's notices have it. A silent one comes without a warning.
    """
    if record.pool.market != "spot" or record.state not in _INTERRUPTIBLE:
        return False
    if record.interruption is not None:
        return True
    action = record.when_interrupted
    chosen = cloud.notices.lead.draw(cloud.randomness) if lead is None else lead
    # Hibernation begins at once: its warning is no warning.
    left = _AT_ONCE if action == "hibernate" else chosen
    now = cloud.clock.monotonic()
    if not silent:
        shown_from = now + cloud.draw(cloud.notices.metadata_late)
        instant = cloud.clock.now() + left
        record.interruption = Interruption(action, instant, shown_from)
        detail = {"instance-id": str(record.id), "instance-action": action}
        at = instant if action == "hibernate" else instant - LEAD
        cloud.tell(region, record, WARNING, detail, at=at)
    cloud.timeline.call(now + left.total_seconds(), partial(_take, cloud, region, record))
    return True


def recommend(cloud: Cloud, region: RegionState, record: Record) -> bool:
    """Recommend that the load of an instance goes elsewhere; say whether it can be."""
    if record.pool.market != "spot" or record.state not in _INTERRUPTIBLE:
        return False
    shown_from = cloud.clock.monotonic() + cloud.draw(cloud.notices.metadata_late)
    record.rebalance = Rebalance(cloud.clock.now(), shown_from)
    cloud.tell(region, record, RECOMMENDATION, {"instance-id": str(record.id)})
    return True


def shown(record: Record, *, now: float) -> dict[str, str]:
    """Return what the metadata service shows of it: texts by path below `meta-data/`.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
    """
    texts: dict[str, str] = {}
    interruption, rebalance = record.interruption, record.rebalance
    if interruption is not None and interruption.shown_from <= now:
        said = {"action": interruption.action, "time": _instant(interruption.at)}
        texts["spot/instance-action"] = json.dumps(said)
        if interruption.action == "terminate":
            texts["spot/termination-time"] = _instant(interruption.at)
    if rebalance is not None and rebalance.shown_from <= now:
        said = {"noticeTime": _instant(rebalance.at)}
        texts["events/recommendations/rebalance"] = json.dumps(said)
    return texts


def _take(cloud: Cloud, region: RegionState, record: Record) -> None:
    if record.when_interrupted == "terminate":
        if record.state in _INTERRUPTIBLE:
            lifecycle.begin(cloud, region, record, "terminate", reason=SPOT_TERMINATION)
    elif record.state is State.RUNNING:
        lifecycle.begin(cloud, region, record, "stop", reason=SPOT_SHUTDOWN)


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
