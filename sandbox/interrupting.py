"""The admin API of interruptions. All bodies name instances in one of two ways.

POST interrupt   {"array": "training", "ranks": [3], "lead": 120, "silent": false}
                 warns, and takes the instances away `lead` seconds later (as `notices` has it
                 when it is not said); a silent one is taken without a warning
POST rebalance   {"instance_ids": ["i-..."]}
                 recommends to go elsewhere

`array` is the id or the name of an array whose instances run; without `ranks` it is all of them,
and of a rank the newest instance. Answered with `{"instances": [...]}`; 404 when nothing that
runs fits, 400 when it is on demand, which EC2 never takes back.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from sandbox.ec2 import interruptions
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.records import Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.ec2.storms import ARRAY_TAG, NAME_TAG
from sandbox.machines.facts import rank_of
from sandbox.moto_server import MotoServer

T = TypeVar("T", bound="Chosen")

_PREFIX = "/_spawn/"
_GENERATION_TAG = "spawn:generation"

Found = tuple[RegionState, Record]


class Chosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Instances, by their array and ranks or by their ids."""

    array: str = ""
    ranks: tuple[int, ...] = ()
    instance_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.array) == bool(self.instance_ids):
            raise ValueError("name an array, or instance_ids")


class Interrupt(Chosen, frozen=True, kw_only=True):
    """Which instances are taken away, in how many seconds, and whether without a warning."""

    lead: float | None = None
    silent: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lead is not None and self.lead < 0:
            raise ValueError("lead must not be negative")


class InterruptionRoutes:
    """Answers the calls above; `check` refuses who has no admin token."""

    def __init__(self, cloud: Cloud, moto: MotoServer) -> None:
        self._cloud = cloud
        self._moto = moto

    def add(self, application: web.Application, *, check: Callable[[web.Request], None]) -> None:
        """Add the routes to an application that has no others yet below their prefix."""

        async def interrupt(request: web.Request) -> web.StreamResponse:
            check(request)
            return await self._answer(request, Interrupt, self._interrupt)

        async def rebalance(request: web.Request) -> web.StreamResponse:
            check(request)
            return await self._answer(request, Chosen, self._recommend)

        application.router.add_post(f"{_PREFIX}interrupt", interrupt)
        application.router.add_post(f"{_PREFIX}rebalance", rebalance)

    async def _answer(
        self, request: web.Request, kind: type[T], act: Callable[[T, Found], bool]
    ) -> web.StreamResponse:
        try:
            asked = msgspec.json.decode(await request.read(), type=kind)
        except msgspec.DecodeError as error:
            return _refusal(str(error), 400)
        found, taken = await self._moto.run(self._do, asked, act)
        if not found:
            return _refusal("no such running instance", 404)
        if not taken:
            return _refusal("on-demand instances are never interrupted", 400)
        return web.json_response({"instances": taken})

    def _do(self, asked: T, act: Callable[[T, Found], bool]) -> tuple[list[Found], list[str]]:
        found = _find(self._cloud, asked)
        return found, [str(one[1].id) for one in found if act(asked, one)]

    def _interrupt(self, asked: Interrupt, found: Found) -> bool:
        lead = None if asked.lead is None else timedelta(seconds=asked.lead)
        return interruptions.interrupt(self._cloud, *found, lead=lead, silent=asked.silent)

    def _recommend(self, _asked: Chosen, found: Found) -> bool:
        return interruptions.recommend(self._cloud, *found)


def _find(cloud: Cloud, asked: Chosen) -> list[Found]:
    """Return the instances that run and are meant, one for each rank."""
    chosen: dict[Any, Found] = {}
    for region, record in _running(cloud, asked):
        tags = region.tags(record.id)
        if not asked.array:
            chosen[record.id] = region, record
            continue
        rank = rank_of(tags, int(record.model.ami_launch_index))
        if asked.ranks and rank not in asked.ranks:
            continue
        key = tags.get(ARRAY_TAG, ""), rank
        if key not in chosen or _generation(chosen[key]) < _generation((region, record)):
            chosen[key] = region, record
    return list(chosen.values())


def _running(cloud: Cloud, asked: Chosen) -> list[Found]:
    found: list[Found] = []
    for region in cloud.regions():
        records = {
            **region.records.having(f"tag:{ARRAY_TAG}", (asked.array,)),
            **region.records.having(f"tag:{NAME_TAG}", (asked.array,)),
            **{i: r for i, r in region.records.by_id.items() if i in asked.instance_ids},
        }
        found += ((region, one) for one in records.values() if one.state is State.RUNNING)
    return found


def _generation(found: Found) -> int:
    region, record = found
    text = region.tags(record.id).get(_GENERATION_TAG, "")
    return int(text) if text.isdecimal() else 0


def _refusal(text: str, status: int) -> web.Response:
    return web.json_response({"error": text}, status=status)
