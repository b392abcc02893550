"""Launches without spawn: the bare script that overhead is measured by, and others' two ways."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import ParamSpec, TypeVar

from botocore.exceptions import ClientError

from tests.bench.cloud import Cloud, Script
from tests.bench.results import Costs, Other

P = ParamSpec("P")
R = TypeVar("R")

CHUNK = 100
"""Instances asked for by one call, as spawn does."""

_BURST = 5
_PAUSE = timedelta(seconds=0.5)
"""RunInstances: a bucket of 5 calls that regains 2 in a second
(https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html)."""

_EARLIER = timedelta(seconds=0.1)
"""How much faster than the first call a later one may arrive without being throttled."""

_WORKERS = 20
ATTEMPTS = 3
"""What boto3's standard mode does when nothing is set."""

_CLOCK = time.perf_counter


def bare(cloud: Cloud, script: Script, region: str, size: int) -> Costs:
    """Make spawn's very calls and look until nothing is pending; keep no record, tell nobody.

    One call after another, each as soon as EC2's bucket has its token.
    """
    before, tag, begun = cloud.count(region), f"bare-{size}-{_CLOCK()}", _CLOCK()
    for number, start in enumerate(range(0, size, CHUNK)):
        due = _EARLIER + (number - _BURST + 1) * _PAUSE
        if number >= _BURST:
            script.nap(due - timedelta(seconds=_CLOCK() - begun))
        script.run(min(CHUNK, size - start), tag)
    script.wait_running(tag)
    seconds = _CLOCK() - begun
    calls, throttled = cloud.count(region).since(before)
    assert len(script.listed(tag, "running")) == size
    script.end(tag)
    return Costs(seconds=seconds, calls=calls, throttled=throttled)


class Attempt:
    """A launch in a way of others', with boto3's own retries and a bound on its time."""

    def __init__(self, cloud: Cloud, region: str, size: int, *, within: timedelta) -> None:
        self._cloud = cloud
        self._region = region
        self._size = size
        self._script = cloud.script(region, attempts=ATTEMPTS)
        self._tag = f"other-{size}-{_CLOCK()}"
        self._within = within.total_seconds()
        self._failed = Counter[str]()

    def one_by_one(self) -> Other:
        """Make one RunInstances call per member, on 20 threads."""
        return self._measure("one call per member, 20 threads", self._launch_each)

    def tag_each(self) -> Other:
        """Make one call for all, MinCount = MaxCount = N, and then tag each member."""
        return self._measure("one call, then a tag call per member", self._launch_and_tag)

    def _launch_each(self, deadline: float) -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            tasks = [
                pool.submit(self._try, self._script.run, 1, self._tag) for _ in range(self._size)
            ]
            _, late = wait(tasks, timeout=max(0.0, deadline - _CLOCK()))
            for each in late:
                each.cancel()

    def _launch_and_tag(self, deadline: float) -> None:
        for number, member in enumerate(self._try(self._script.run, self._size, self._tag) or ()):
            if _CLOCK() > deadline:
                return
            self._try(self._script.name, member, f"{self._tag}-{number}")

    def _try(self, call: Callable[P, R], *asked: P.args, **more: P.kwargs) -> R | None:
        try:
            return call(*asked, **more)
        except ClientError as error:
            self._failed[str(error.response.get("Error", {}).get("Code"))] += 1
            return None

    def _measure(self, way: str, work: Callable[[float], None]) -> Other:
        script, before, begun = self._script, self._cloud.count(self._region), _CLOCK()
        work(begun + self._within)
        script.wait_running(self._tag)
        seconds = _CLOCK() - begun
        calls, throttled = self._cloud.count(self._region).since(before)
        running = len(script.listed(self._tag, "running"))
        script.end(self._tag)
        is_done = running == self._size and not self._failed and seconds <= self._within
        return Other(
            way=way,
            size=self._size,
            running=running,
            seconds=seconds if is_done else None,
            calls=calls,
            throttled=throttled,
            failed=dict(self._failed),
        )
