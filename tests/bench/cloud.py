"""The laptop cloud from the outside: its regions, its counts, and what a boto3 script sees."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from spawn.runtime.home import SandboxFacts
from tests.fixtures.sandbox import Admin, RunningSandbox
from tests.sandbox.launches import image

TYPE = "t3.medium"
"""What spawn launches when nothing else is said."""

_RULES = 4
"""What `spawn spot setup` makes."""

POLL = timedelta(seconds=0.2)

REGIONS = (
    "us-west-2", "us-east-2", "us-west-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
    "eu-north-1", "eu-south-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ca-central-1",
    "sa-east-1", "af-south-1", "me-south-1", "me-central-1", "ap-east-1", "il-central-1",
    "ap-south-2", "eu-central-2", "eu-south-2", "ap-southeast-4", "ca-west-1",
)  # fmt: skip
"""EC2's buckets are kept by region, and refill slowly: each sample has a region of its own."""


class Counted:
    """Calls to one region's EC2, SSM and so on, by API, and how many of them were throttled."""

    def __init__(self, state: dict[str, Any], region: str) -> None:
        seen = state["regions"].get(region, {"calls": {}, "throttled": {}})
        self.calls = Counter[str](seen["calls"])
        self.throttled = sum(seen["throttled"].values())

    def since(self, before: "Counted") -> tuple[dict[str, int], int]:
        """Return the calls, and the throttled ones, since `before`."""
        calls = self.calls - before.calls
        named = {name.partition(".")[2]: number for name, number in sorted(calls.items())}
        return named, self.throttled - before.throttled


class Cloud:
    """One running sandbox."""

    def __init__(self, facts: SandboxFacts, state: Path) -> None:
        self._sandbox = RunningSandbox(
            state=state,
            pid=facts.pid,
            endpoint=facts.endpoint,
            region=facts.region,
            access_key_id=facts.access_key_id,
            secret_access_key=facts.secret_access_key,
            metrics_url=facts.metrics_url,
            admin=Admin(facts.endpoint, facts.admin_token),
        )
        self._regions = iter(REGIONS)
        self._lifecycle: dict[str, float] = {}

    def next_region(self) -> str:
        """Return a region in which nothing was done yet."""
        return next(self._regions)

    def count(self, region: str) -> Counted:
        """Return how many calls came to a region so far."""
        return Counted(self._sandbox.admin.state(), region)

    def fill_buckets(self) -> None:
        """Give every caller full buckets."""
        self._sandbox.admin.post("reset-behaviour")
        self._sandbox.admin.post("lifecycle", self._lifecycle)

    def hasten(self, boot: float, end: float) -> None:
        """Let instances boot and end in so many seconds from now on."""
        self._lifecycle = {"pending": boot, "shutting_down": end}
        self.fill_buckets()

    def interrupt(self, array: str, lead: int, ranks: Sequence[int] = ()) -> None:
        """Warn of instances of an array, of all or some ranks, taken away in so many seconds."""
        self._sandbox.admin.post("interrupt", {"array": array, "lead": lead, "ranks": [*ranks]})

    def hears(self, region: str) -> bool:
        """Say whether four rules of a region send to a queue, which is read."""
        calls = Counted(self._sandbox.admin.state(), region).calls
        return calls["events.PutTargets"] >= _RULES and calls["sqs.ReceiveMessage"] > 0

    def stop_throttling(self) -> None:
        """Let every call through."""
        self._sandbox.admin.post("throttle", {"enabled": False})

    def script(self, region: str, *, attempts: int = 1) -> "Script":
        """Return a boto3 script in that region; `attempts` above 1 are boto3's own retries."""
        client = self._sandbox.client("ec2", region=region, attempts=attempts)
        return Script(client, image(self._sandbox, region=region))


class Script:
    """A boto3 client of EC2 and what scripts do with it."""

    def __init__(self, client: Any, ami: str) -> None:
        self.client = client
        self._ami = ami
        self._nap = threading.Event()

    def run(self, count: int, tag: str) -> list[str]:
        """Launch `count` instances by one call, all or none; return their ids."""
        tags = [{"Key": "bench", "Value": tag}]
        made = self.client.run_instances(
            ImageId=self._ami,
            InstanceType=TYPE,
            MinCount=count,
            MaxCount=count,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        return [each["InstanceId"] for each in made["Instances"]]

    def name(self, instance_id: str, name: str) -> None:
        """Tag one instance."""
        self.client.create_tags(Resources=[instance_id], Tags=[{"Key": "Name", "Value": name}])

    def listed(self, tag: str, *states: str) -> list[str]:
        """Return the ids of the instances with that tag, in those states."""
        filters = [
            {"Name": "tag:bench", "Values": [tag]},
            {"Name": "instance-state-name", "Values": list(states)},
        ]
        return list(self._ids(filters))

    def _ids(self, filters: list[dict[str, Any]]) -> Iterator[str]:
        pages = self.client.get_paginator("describe_instances").paginate(
            Filters=filters, PaginationConfig={"PageSize": 1000}
        )
        for page in pages:
            for reservation in page["Reservations"]:
                yield from (each["InstanceId"] for each in reservation["Instances"])

    def nap(self, duration: timedelta) -> None:
        """Wait, in a thread that may."""
        self._nap.wait(max(0.0, duration.total_seconds()))

    def wait_running(self, tag: str) -> None:
        """Look every 0.2 s until nothing is pending any more."""
        while self.listed(tag, "pending"):
            self.nap(POLL)

    def end(self, tag: str) -> None:
        """End all that is left, and wait for it."""
        left = self.listed(tag, "pending", "running")
        for start in range(0, len(left), 500):
            self.client.terminate_instances(InstanceIds=left[start : start + 500])
        while self.listed(tag, "shutting-down"):
            self.nap(POLL)

    def warm(self) -> None:
        """Have client, connection and region ready."""
        self.run(1, "warm")
        self.wait_running("warm")
        self.end("warm")
