"""TerminateInstances, StopInstances, StartInstances and RebootInstances.

All or nothing: a call that names one instance that cannot be changed changes none.
"""

from collections import Counter

from sandbox.ec2 import lifecycle, place, xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.describe import by_ids
from sandbox.ec2.parameters import ById, dry_run, read
from sandbox.ec2.records import Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import HIBERNATE, USER, Action, State, decide
from sandbox.errors import AwsError
from sandbox.request import Call


def terminate_instances(call: Call, cloud: Cloud) -> Answer:
    """Answer TerminateInstances."""
    return _change(call, cloud, "terminate")


def stop_instances(call: Call, cloud: Cloud) -> Answer:
    """Answer StopInstances."""
    return _change(call, cloud, "stop")


def start_instances(call: Call, cloud: Cloud) -> Answer:
    """Answer StartInstances."""
    return _change(call, cloud, "start")


def reboot_instances(call: Call, cloud: Cloud) -> Answer:
    """Answer RebootInstances: a reboot changes no state that EC2 shows."""
    _change(call, cloud, "reboot")
    region = cloud.region(call.account, call.region)
    for record in by_ids(region, read(call, ById).instance_ids):
        cloud.machines.reboot(record)
    return Answer(xml.done("RebootInstances", call.request_id))


def _change(call: Call, cloud: Cloud, action: Action) -> Answer:
    request = read(call, ById)
    region = cloud.region(call.account, call.region)
    if not request.instance_ids:
        raise AwsError("InvalidParameterCombination", "No instances specified")
    records = by_ids(region, request.instance_ids)
    for record in records:
        _check(record, action, hibernate=request.hibernate)
    if action == "start":
        _check_capacity(cloud, region, records)
    if request.dry_run:
        raise dry_run()
    items: list[str] = []
    for record in records:
        # A real machine's memory can't be kept: it stops, as on EC2 where hibernating fails.
        kept = request.hibernate and not cloud.machines.lives(record)
        reason = HIBERNATE if kept else USER
        before = lifecycle.begin(cloud, region, record, action, reason=reason)
        items.append(xml.state_change(record, before))
    inner = f"<instancesSet>{''.join(items)}</instancesSet>"
    return Answer(xml.answer(call.action, call.request_id, inner), resources=len(records))


def _check_capacity(cloud: Cloud, region: RegionState, records: list[Record]) -> None:
    """Raise `AwsError` unless every stopped instance finds a place, in pool and quota."""
    needed = Counter(record.pool for record in records if record.state is State.STOPPED)
    for pool, count in needed.items():
        allowed = place.within_quota(cloud, region, pool)
        if allowed is not None and allowed < count:
            raise place.quota_exceeded(cloud, pool)
        free = cloud.capacity.free(pool)
        if free is not None and free < count:
            raise lifecycle.no_capacity(pool)


def _check(record: Record, action: Action, *, hibernate: bool) -> None:
    model = record.model
    decide(action, record.state, instance_id=record.id)
    if action == "terminate" and model.disable_api_termination:
        raise AwsError(
            "OperationNotPermitted",
            f"The instance '{record.id}' may not be terminated. Modify its "
            "'disableApiTermination' instance attribute and try again.",
        )
    if action == "stop" and model.disable_api_stop:
        raise AwsError(
            "OperationNotPermitted",
            f"The instance '{record.id}' may not be stopped. Modify its 'disableApiStop' "
            "instance attribute and try again.",
        )
    if action == "stop" and record.one_time:
        raise AwsError(
            "UnsupportedOperation",
            f"You can't stop the Spot Instance '{record.id}' because it is associated with a "
            "one-time Spot Instance request. You can only stop Spot Instances associated with "
            "persistent Spot Instance requests.",
        )
    if hibernate and not record.hibernates:
        raise AwsError(
            "UnsupportedHibernationConfiguration",
            f"The instance '{record.id}' is not configured for hibernation.",
        )
