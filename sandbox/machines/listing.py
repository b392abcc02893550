"""The admin API of machines: which instances run, and a machine's own wish to end.

GET  machines?known=N   {"version": N, "machines": [{"instance_id", "region", "address",
                        "array_id", "rank", "generation"}]}; 304 while N is the version
POST power-off          {"instance_id": "i-..."}
                        as if that machine had powered itself off: what hollow machines do
"""

from collections.abc import Callable

import msgspec
from aiohttp import web

from sandbox.ec2 import lifecycle
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.records import InstanceId, Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.machines.facts import rank_of
from sandbox.moto_server import MotoServer

_PREFIX = "/_spawn/"
_ARRAY_TAG, _GENERATION_TAG = "spawn:array-id", "spawn:generation"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One running instance; `array_id` is empty for what is no array's."""

    instance_id: str
    region: str
    address: str
    array_id: str
    rank: int
    generation: int


class Listing(msgspec.Struct, frozen=True):
    """All running instances; another version when one has come or gone."""

    version: int
    machines: list[Listed]


class PowerOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A machine that powers itself off."""

    instance_id: str


class Running:
    """The instances that run now. Moto's thread only."""

    def __init__(self) -> None:
        self.version = 1
        self._running: dict[InstanceId, tuple[RegionState, Record]] = {}

    def entered(self, region: RegionState, record: Record, state: State) -> None:
        """Take note of a change of state."""
        if state is State.RUNNING:
            self._running[record.id] = region, record
            self.version += 1
        elif self._running.pop(record.id, None) is not None:
            self.version += 1

    def find(self, instance_id: str) -> tuple[RegionState, Record] | None:
        """Return a running instance."""
        return self._running.get(InstanceId(instance_id))

    def listing(self, known: int) -> Listing | None:
        """Return all of them, None when the version is the one that is known."""
        if known == self.version:
            return None
        return Listing(self.version, [_listed(*one) for one in self._running.values()])


class MachineRoutes:
    """Answers the calls above; `check` refuses who has no admin token."""

    def __init__(
        self, running: Running, cloud: Cloud, moto: MotoServer, *, touched: Callable[[], None]
    ) -> None:
        self._running = running
        self._cloud = cloud
        self._moto = moto
        self._touched = touched

    def add(self, application: web.Application, *, check: Callable[[web.Request], None]) -> None:
        """Add the routes to an application that has no others yet below their prefix."""

        async def machines(request: web.Request) -> web.StreamResponse:
            check(request)
            known = request.query.get("known", "")
            asked = int(known) if known.isdecimal() else 0
            found = await self._moto.run(self._running.listing, asked)
            if found is None:
                return web.Response(status=304)
            return web.Response(body=msgspec.json.encode(found), content_type="application/json")

        async def power_off(request: web.Request) -> web.StreamResponse:
            check(request)
            try:
                asked = msgspec.json.decode(await request.read(), type=PowerOff)
            except msgspec.DecodeError as error:
                return web.json_response({"error": str(error)}, status=400)
            if not await self._moto.run(self._power_off, asked.instance_id):
                return web.json_response({"error": "no such running instance"}, status=404)
            self._touched()
            return web.json_response({"ok": True})

        application.router.add_get(f"{_PREFIX}machines", machines)
        application.router.add_post(f"{_PREFIX}power-off", power_off)

    def _power_off(self, instance_id: str) -> bool:
        found = self._running.find(instance_id)
        if found is not None:
            lifecycle.power_off(self._cloud, *found)
        return found is not None


def _listed(region: RegionState, record: Record) -> Listed:
    tags = region.tags(record.id)
    generation = tags.get(_GENERATION_TAG, "")
    return Listed(
        instance_id=str(record.id),
        region=str(region.name),
        address=str(record.model.private_ip),
        array_id=tags.get(_ARRAY_TAG, ""),
        rank=rank_of(tags, int(record.model.ami_launch_index)),
        generation=int(generation) if generation.isdecimal() else 0,
    )
