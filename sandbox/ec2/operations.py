"""The EC2 calls that the sandbox answers itself; moto answers every other."""

from collections.abc import Callable

from sandbox.ec2 import change, console, describe, run, spot, tags, types
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.request import Call

Operation = Callable[[Call, Cloud], Answer]

OPERATIONS: dict[str, Operation] = {
    "RunInstances": run.run_instances,
    "DescribeInstances": describe.describe_instances,
    "DescribeInstanceStatus": describe.describe_instance_status,
    "TerminateInstances": change.terminate_instances,
    "StopInstances": change.stop_instances,
    "StartInstances": change.start_instances,
    "RebootInstances": change.reboot_instances,
    "CreateTags": tags.create_tags,
    "DeleteTags": tags.delete_tags,
    "GetConsoleOutput": console.get_console_output,
    "DescribeInstanceTypes": types.describe_instance_types,
    "DescribeInstanceTypeOfferings": types.describe_instance_type_offerings,
    "DescribeSpotPriceHistory": spot.describe_spot_price_history,
    "CancelSpotInstanceRequests": spot.cancel_spot_instance_requests,
    "GetSpotPlacementScores": spot.get_spot_placement_scores,
}


_NAMED_BY_ID = frozenset({"TerminateInstances", "StopInstances", "StartInstances"})


def resources(call: Call) -> int:
    """Return how many instances a call asks to touch."""
    if call.action == "RunInstances":
        asked = call.form.get("MaxCount", "")
        return int(asked) if asked.isdecimal() else 0
    if call.action in _NAMED_BY_ID:
        return sum(name.startswith("InstanceId.") for name in call.form)
    return 0
