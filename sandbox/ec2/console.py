"""GetConsoleOutput: what a machine wrote to its serial console."""

from base64 import b64encode

import msgspec

from sandbox.ec2 import xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.describe import by_ids
from sandbox.ec2.parameters import dry_run, read
from sandbox.errors import AwsError
from sandbox.request import Call

_MOST = 64 * 1024
"""Bytes, the newest
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html)."""


class ConsoleOutput(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Parameters of GetConsoleOutput."""

    instance_id: str = ""
    dry_run: bool = False


def get_console_output(call: Call, cloud: Cloud) -> Answer:
    """Answer GetConsoleOutput."""
    request = read(call, ConsoleOutput)
    region = cloud.region(call.account, call.region)
    if not request.instance_id:
        raise AwsError("MissingParameter", "The request must contain the parameter InstanceId")
    (record,) = by_ids(region, [request.instance_id])
    if request.dry_run:
        raise dry_run()
    output = b64encode(cloud.machines.console(record)[-_MOST:]).decode()
    inner = (
        f"<instanceId>{record.id}</instanceId>"
        f"<timestamp>{cloud.clock.now():%Y-%m-%dT%H:%M:%S}.000Z</timestamp>"
        f"<output>{output}</output>"
    )
    return Answer(xml.answer("GetConsoleOutput", call.request_id, inner))
