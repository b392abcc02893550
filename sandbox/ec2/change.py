"""TerminateInstances, StopInstances, StartInstances and RebootInstances.

All or nothing: a call that names one instance that cannot be changed changes none.
"""

from sandbox.ec2 import lifecycle, xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.describe import by_ids
from sandbox.ec2.parameters import ById, dry_run, read
from sandbox.ec2.records import Record
from sandbox.ec2.states import HIBERNATE, USER, Action, decide
from sandbox.errors import AwsError
from sandbox.request import Call


def terminate_instances(cloud: Cloud, call: Call) -> Answer:
    """Answer TerminateInstances."""
    return _change(cloud, call, "terminate")


def stop_instances(cloud: Cloud, call: Call) -> Answer:
    """Answer StopInstances."""
    return _change(cloud, call, "stop")


def start_instances(cloud: Cloud, call: Call) -> Answer:
    """Answer StartInstances."""
    return _change(cloud, call, "start")


def reboot_instances(cloud: Cloud, call: Call) -> Answer:
    """Answer RebootInstances: a reboot changes no state that EC2 shows."""
    _change(cloud, call, "reboot")
    return Answer(xml.done("RebootInstances", call.request_id))


def _change(cloud: Cloud, call: Call, action: Action) -> Answer:
    request = read(call, ById)
    region = cloud.region(call.account, call.region)
    if not request.instance_ids:
        raise AwsError("InvalidParameterCombination", "No instances specified")
    records = by_ids(region, request.instance_ids)
    for record in records:
        _check(record, action, hibernate=request.hibernate)
    if request.dry_run:
        raise dry_run()
    reason = HIBERNATE if request.hibernate else USER
    items = [
        xml.state_change(record, lifecycle.begin(cloud, region, record, action, reason=reason))
        for record in records
    ]
    inner = f"<instancesSet>{''.join(items)}</instancesSet>"
    return Answer(xml.answer(call.action, call.request_id, inner), resources=len(records))


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
    if hibernate and not record.hibernates:
        raise AwsError(
            "UnsupportedHibernationConfiguration",
            f"The instance '{record.id}' is not configured for hibernation.",
        )
