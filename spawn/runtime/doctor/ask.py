"""Asking the services, over the bus, whether each can do its work: nothing is changed by it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from spawn.bus.connection import Bus, connect
from spawn.bus.requests import count_replicas, gather, request
from spawn.bus.settings import BusSettings
from spawn.bus.stores import Store
from spawn.clock import Clock
from spawn.contracts import arrays, grants, hostnames, launches, members
from spawn.errors import Outcome
from spawn.runtime.doctor import judge_services as judge
from spawn.runtime.doctor.findings import Finding

T = TypeVar("T")

NAME = "doctor"
"""Of the launch that is planned, and never made."""

_PATIENCE = timedelta(seconds=20)
"""IAM's list of roles may be long, and is read at IAM's rate."""

_FIRST = timedelta(seconds=1)
_LATER = timedelta(seconds=5)
"""How long the first of all is waited for, and then each that should be there and is not heard."""


class _Pong(msgspec.Struct, frozen=True):
    name: str = ""


async def ask_services(
    settings: BusSettings, services: Collection[str], *, region: str, clock: Clock
) -> list[Finding]:
    """Return what the services say of themselves; `region` empty asks for no launch.

    `services` are those that should be there, empty where nobody knows.
    """
    try:
        async with connect(settings, name="spawn-doctor", patient=False, clock=clock) as bus:
            return await _ask(bus, services, region, clock)
    except Outcome:
        # That the bus can't be reached has been found already, with what to do.
        return []


async def _ask(bus: Bus, services: Collection[str], region: str, clock: Clock) -> list[Finding]:
    found = await _replicas(bus, services)
    questions: dict[str, Callable[[], Coroutine[Any, Any, Finding]]] = {
        "launcher": lambda: _launcher(bus, region),
        "iam_broker": lambda: _broker(bus),
        "dns": lambda: _names(bus),
    }
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask()) for name, ask in questions.items() if found[name]]
        machines = group.create_task(_machines(bus, clock))
    return [
        judge.judge_replicas(found, services),
        *(task.result() for task in tasks),
        machines.result(),
    ]


async def _replicas(bus: Bus, services: Collection[str]) -> Counter[str]:
    pongs = await gather(bus, "$SRV.PING", within=_FIRST)
    found = Counter(msgspec.json.decode(each, type=_Pong).name for each in pongs)
    # A busy host answers after those who are quick have.
    for name in set(services) - set(found):
        found[name] = await count_replicas(bus, name, within=_LATER)
    return found


async def _launcher(bus: Bus, region: str) -> Finding:
    """Have a launch planned, which looks everything up, and all instances looked at."""
    try:
        report = await _question(
            bus, launches.API_COLLECT, launches.CollectRequest(), launches.CollectReport
        )
        if not region:
            return judge.judge_launcher(report, None)
        spec = launches.LaunchSpec(name=NAME, region=region)
        plan = await _question(bus, launches.API_PLAN, spec, launches.LaunchPlan)
    except Outcome as outcome:
        return judge.judge_refusal("launcher", outcome)
    return judge.judge_launcher(report, plan)


async def _broker(bus: Bus) -> Finding:
    """Have all roles under our path looked at."""
    asked = grants.CollectGrants(dry_run=True)
    try:
        found = await _question(bus, grants.API_COLLECT, asked, grants.CollectedGrants)
    except Outcome as outcome:
        return judge.judge_refusal("iam_broker", outcome)
    return judge.judge_broker(found)


async def _names(bus: Bus) -> Finding:
    """Have the zone compared with what it should be."""
    try:
        found = await _question(
            bus, hostnames.API_CHECK, hostnames.CheckRecords(), hostnames.RecordCheck
        )
    except Outcome as outcome:
        return judge.judge_no_names(outcome)
    return judge.judge_names(found)


async def _machines(bus: Bus, clock: Clock) -> Finding:
    """Look for machines that run and whose agent has never been heard of."""
    known = await Store(bus, arrays.BUCKET, arrays.Array).load("*")
    held = Store(bus, members.BUCKET, members.Member)
    living = [each.value for each in known.values() if not each.value.state.is_over]
    silent: dict[str, tuple[int, ...]] = {}
    for array in living:
        if array.placement is not None and array.placement.boot is not None:
            entries = await held.load(f"{array.id}.*")
            silent[array.name] = judge.silent_ranks(
                (each.value for each in entries.values()), now=clock.now()
            )
    return judge.judge_machines(silent)


async def _question(bus: Bus, subject: str, body: msgspec.Struct, answer: type[T]) -> T:
    return await request(bus, subject, body, answer, within=_PATIENCE)
