"""How fast the laptop cloud is: `python -m tests.sandbox.bench_sandbox`.

Times are those of a boto3 client on the same machine, its parsing included; `server` is what
the cloud itself took, by curl-like raw calls of the same request.
"""

import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.sandbox.launches import ids, image, run

SCENARIO = {"throttle": {"enabled": False}, "lifecycle": {"pending": 0.1, "shutting_down": 0.1}}
TAGS = [{"Key": f"spawn:{name}", "Value": name} for name in ("array-id", "owner", "lease", "size")]
CLOCK = time.perf_counter


def timed(name: str, call: Callable[[], Any], times: int = 5) -> Any:
    taken, result = list[float](), None
    for _ in range(times):
        started = CLOCK()
        result = call()
        taken.append(1000 * (CLOCK() - started))
    print(f"{name:45s} {median(taken):8.1f} ms (best {min(taken):.1f}, worst {max(taken):.1f})")
    return result


class Raw:
    """The same calls without an SDK's parsing."""

    def __init__(self, cloud: RunningSandbox) -> None:
        address = urlsplit(cloud.endpoint)
        self._connection = HTTPConnection(address.hostname or "", address.port)

    def __call__(self, action: str, **asked: str) -> int:
        form = urlencode({"Action": action, "Version": "2016-11-15", **asked})
        scope = "AKIA1/20260101/us-east-1/ec2/aws4_request"
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._connection.request("POST", "/", form, headers)
        return len(self._connection.getresponse().read())


def measure(cloud: RunningSandbox) -> None:
    ec2, raw, ami = cloud.client("ec2"), Raw(cloud), image(cloud)

    def launch(count: int, array: str) -> list[str]:
        tags = [*TAGS, {"Key": "array", "Value": array}]
        specification = [{"ResourceType": "instance", "Tags": tags}]
        return ids(run(ec2, ami, count, TagSpecifications=specification))

    def describe(*filters: tuple[str, str]) -> Any:
        given = [{"Name": name, "Values": [value]} for name, value in filters]
        return ec2.describe_instances(Filters=given)

    launch(1, "warm")
    timed("RunInstances(1), empty", lambda: launch(1, "one"))
    timed("RunInstances(100), empty", lambda: launch(100, "hundred"))
    first = launch(485, "fill")
    timed("DescribeInstances of 1000", ec2.describe_instances, 3)
    timed("DescribeInstances of 1000, server", lambda: raw("DescribeInstances"), 3)
    for _ in range(8):
        launch(500, "more")
    timed("DescribeInstances of 5000, server", lambda: raw("DescribeInstances"), 3)
    timed("DescribeInstances of 5000 in pages, client", lambda: pages(ec2), 1)
    timed("by id (1) at 5000", lambda: ec2.describe_instances(InstanceIds=first[:1]))
    timed("by id (100) at 5000", lambda: ec2.describe_instances(InstanceIds=first[:100]))
    timed("by id (100) at 5000, server", lambda: raw("DescribeInstances", **numbered(first[:100])))
    timed("by tag, no match at 5000", lambda: describe(("tag:array", "nothing")))
    timed("by tag, 1 match at 5000", lambda: describe(("tag:array", "warm")))
    timed(
        "by tag and state pending at 5000",
        lambda: describe(("tag:spawn:owner", "owner"), ("instance-state-name", "pending")),
    )
    timed("RunInstances(100) at 5000", lambda: launch(100, "late"))
    timed("RunInstances(1) at 5000", lambda: launch(1, "late"))
    timed(
        "DescribeInstanceStatus(100) at 5000",
        lambda: ec2.describe_instance_status(InstanceIds=first[:100]),
    )
    every = pages(ec2)
    blocks = iter([every[:1000], every[1000:2000], every[2000:3000]])
    timed("TerminateInstances(1000)", lambda: ec2.terminate_instances(InstanceIds=next(blocks)), 3)


def pages(ec2: Any) -> list[str]:
    pages = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 1000})
    return [one for page in pages for r in page["Reservations"] for one in ids(r)]


def numbered(some: list[str]) -> dict[str, str]:
    return {f"InstanceId.{number}": one for number, one in enumerate(some, 1)}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        started = CLOCK()
        with running_sandbox(Path(folder), SCENARIO) as cloud:
            print(f"{'start':45s} {1000 * (CLOCK() - started):8.1f} ms")
            measure(cloud)
            status = Path(f"/proc/{cloud.pid}/status").read_text()
            print(next(line for line in status.splitlines() if line.startswith("VmRSS")))


if __name__ == "__main__":
    main()
