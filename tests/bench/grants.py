"""How long a grant takes, and how many calls of IAM: made, looked at again, and known."""

import time
from itertools import count

from spawn.bus.requests import Requests
from spawn.contracts.grants import API_ENSURE, Grant, GrantRequest
from tests.bench.plane import Control
from tests.bench.results import Ensured

_REGION = "us-east-1"
"""Where the laptop cloud counts the calls of IAM."""

_CLOCK = time.perf_counter
_numbers = count()


async def grants(plane: Control, *, runs: int) -> list[Ensured]:
    """Measure the broker's answer for permissions that are new to it, and for known ones."""
    await _ask(plane, _new())  # the boundary, which is made once for all
    made, verified, known = (
        Ensured(what=what, seconds=[], calls={}) for what in ("made", "verified", "known")
    )
    for _ in range(runs):
        asked = _new()
        await _measure(plane, made, asked)
        await _measure(plane, verified, _again(asked))
        await _measure(plane, known, asked)
    return [made, verified, known]


def _new() -> GrantRequest:
    bucket = f"bench-{next(_numbers)}"
    return GrantRequest(policies=(f"s3:ReadOnly:{bucket}", "logs:WriteOnly"))


def _again(asked: GrantRequest) -> GrantRequest:
    return GrantRequest(policies=asked.policies, again=True)


async def _measure(plane: Control, found: Ensured, asked: GrantRequest) -> None:
    before = plane.cloud.count(_REGION)
    begun = _CLOCK()
    await _ask(plane, asked)
    found.seconds.append(_CLOCK() - begun)
    calls, _ = plane.cloud.count(_REGION).since(before)
    found.calls.update(calls)


async def _ask(plane: Control, asked: GrantRequest) -> Grant:
    return await Requests(plane.bus).ask(API_ENSURE, asked, Grant)
