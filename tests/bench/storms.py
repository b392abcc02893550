"""A storm: part of a spot array is taken back within seconds, and all of it goes on."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import datetime, timedelta

from spawn.bus.follow import follow, from_first, of_array
from spawn.bus.identity import new_id
from spawn.bus.ports import Followed
from spawn.bus.publish import Commands
from spawn.contracts.event_kinds import MemberEvent
from spawn.contracts.events import (
    ArrayReady,
    CheckpointFinished,
    Event,
    MemberReady,
    MemberReplaced,
    NoticeInterruption,
)
from spawn.contracts.ids import ArrayId, array_id
from spawn.contracts.launches import (
    LOCAL_OWNER,
    SUBJECT_LAUNCH,
    SUBJECT_TERMINATE,
    Launch,
    LaunchSpec,
    Terminate,
    WaitFor,
)
from tests.bench.plane import Control
from tests.bench.results import Storm

_WITHIN = timedelta(seconds=5)
_GUSTS = 12
_LEAD = 120
_PATIENCE = timedelta(minutes=3)
SCRIPT = {"job": 600, "save": 1}
"""Seconds: nobody's work is done before the storm is over."""


async def storm(control: Control, *, members: int, lost: int) -> Storm:
    """Take `lost` of an array's machines back within 5 s; measure until successors have them.

    Hollow machines are to be played by `SCRIPT` meanwhile.
    """
    region = control.cloud.next_region()
    array = await _launch(control, region, members)
    async with asyncio.timeout(_PATIENCE.total_seconds()):
        await _until_met(control, array, members)
        before = control.cloud.count(region)
        await _blow(control, array, list(range(0, members, members // lost))[:lost])
        heard = [each async for each in _until_replaced(control, array, lost)]
    calls, _ = control.cloud.count(region).since(before)
    await Commands(control.bus).send(
        SUBJECT_TERMINATE, Terminate(array_id=array), message_id=new_id()
    )
    noticed = {rank: at for kind, rank, at in _ranked(heard) if kind is NoticeInterruption}
    waits = sorted(
        (at - noticed[rank]).total_seconds()
        for kind, rank, at in _ranked(heard)
        if kind is MemberReplaced
    )
    return Storm(
        members=members,
        lost=lost,
        median=waits[len(waits) // 2],
        longest=waits[-1],
        calls=calls.get("RunInstances", 0),
        checkpoints=sum(kind is CheckpointFinished for kind, _, _ in _ranked(heard)),
        successors=len(waits),
    )


def _ranked(events: list[Event]) -> Iterator[tuple[type, int, datetime]]:
    for event in events:
        if isinstance(event.data, MemberEvent):
            yield type(event.data), event.data.rank, event.time


async def _launch(control: Control, region: str, members: int) -> ArrayId:
    request_id = new_id()
    spec = LaunchSpec(
        name=f"storm-{request_id.lower()[:8]}",
        count=members,
        region=region,
        spot=True,
        wait_for=WaitFor.AGENT,
        command="true",
        checkpoint_script="true",
    )
    launch = Launch(request_id=request_id, spec=spec)
    await Commands(control.bus).send(SUBJECT_LAUNCH, launch, message_id=request_id)
    return array_id(
        deployment=control.deployment, owner=LOCAL_OWNER, request_id=request_id, name=spec.name
    )


async def _until_met(control: Control, array: ArrayId, members: int) -> None:
    async with aclosing(_events(control, array)) as events:
        async for event in events:
            if isinstance(event.data, ArrayReady) and event.data.ready == members:
                return


async def _blow(control: Control, array: ArrayId, ranks: list[int]) -> None:
    """Have machines warned of in gusts, each as long after the one before."""
    size = -(-len(ranks) // _GUSTS)
    for first in range(0, len(ranks), size):
        gust = ranks[first : first + size]
        await asyncio.to_thread(control.cloud.interrupt, array, _LEAD, gust)
        await control.clock.sleep(_WITHIN / _GUSTS)


async def _until_replaced(control: Control, array: ArrayId, lost: int) -> AsyncGenerator[Event]:
    """Yield an array's events until as many successors have said hello and all is saved."""
    saved = greeted = 0
    async with aclosing(_events(control, array)) as events:
        async for event in events:
            yield event
            saved += isinstance(event.data, CheckpointFinished)
            greeted += isinstance(event.data, MemberReady) and event.data.generation > 0
            if saved >= lost and greeted >= lost:
                return


async def _events(control: Control, array: ArrayId) -> AsyncGenerator[Event]:
    async with aclosing(follow(control.bus, from_first(of_array(array)))) as items:
        async for item in items:
            if isinstance(item, Followed):
                yield item.event
