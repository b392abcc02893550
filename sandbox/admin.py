"""The admin API under `/_spawn/`, `GET /healthz` and `GET /metrics`.

It stands on the port of the AWS API and is never taken for it. Every call but the last two
needs `Authorization: Bearer TOKEN`, the `admin_token` of `sandbox.json`. Bodies are JSON objects;
a field that is unknown, missing or of the wrong type is answered with 400 and
`{"error": "... - at `$.field`"}`. Times are seconds: a number, or `[low, high]` for a uniform
distribution. The same bodies are the sections of a scenario file (`sandbox.behaviour.Scenario`),
in lists for capacity, fault, latency, quota, price, score, storm and boot.

    POST capacity         {"market": "spot", "instance_type": "g5.xlarge", "zone": "us-east-1a",
                           "free": 37}
                          `*` (default) is any; `free` null (default) is no limit
    POST fault            {"api": "RunInstances", "service": "ec2", "region": null,
                           "kind": "error", "code": "InternalError", "message": "...",
                           "status": 500, "count": 1}
                          kinds: error, lost-reply, hang; api and service `*` are any
    POST throttle         {"enabled": true,
                           "rules": [{"service": "ec2", "api": "RunInstances",
                                      "requests": {"burst": 5, "per_second": 2},
                                      "resources": null}]}
                          null is no limit; without a rule, the documented buckets. Route 53
                          has one for all its APIs, whose name is `*`
    POST latency          {"delay": [0.01, 0.05], "service": "*", "api": "*"}
    POST lifecycle        {"pending": 2, "stopping": 2, "shutting_down": 2, "invisible": 0,
                           "profile_propagation": 0, "terminated_listed": 3600,
                           "names_in_sync": 1}
                          any part of it; these are the defaults
    POST notices          {"lead": 120, "events_late": 0, "metadata_late": 0, "loss": 0.0,
                           "duplicates": 0.0}
                          any part of it; these are the defaults
    POST storm            {"running": 200, "count": 60, "within": [0, 5], "array": "*"}
                          once so many spot instances of an array run, some are warned
    POST quota            {"vcpus": 32, "market": "on-demand"}
                          null is no limit, as at the start
    POST price            {"usd": 0.31, "instance_type": "g5.xlarge", "zone": "us-east-1a"}
                          what spot costs an hour; without it, by `sandbox/ec2/markets.toml`
    POST score            {"score": 9, "zone": "us-east-1a"}
                          how AWS scores a zone's capacity for spot, from 1 to 10
    POST signature        {"services": ["sts"]}
                          whose signatures are verified; `*` is all
    POST enforcement      {"enabled": true}
                          whether IAM's users and roles are held to their policies; the key of
                          sandbox.json is the account's own and may do everything
    POST machines         {"mode": "real"}
                          real, hollow or off, for instances that begin to run from now on
    POST boot             {"rank": 3, "delay": [1, 5], "user_data_fails": false}
                          any part of it; without a rank, every machine
    GET machines, POST power-off: see `sandbox.machines.listing`
    POST interrupt, POST rebalance: see `sandbox.interrupting`
    POST reset-behaviour  {}
                          back to the start's scenario, full buckets, no faults; instances stay
    GET state             {"regions": {REGION: {"instances": {STATE: n},
                                                "calls": {"ec2.RunInstances": n},
                                                "throttled": {"ec2.RunInstances": n}}},
                           "pools": [...], "faults": [...], "throttling": true, "enforcing": true,
                           "launches": [...]}

A launch is `{"at", "region", "client_token", "min_count", "max_count", "instance_type", "count",
"reservation_id", "replayed", "code"}`. The bucket of Describe calls with neither filter nor
pagination has the name of the API with `+unfiltered` behind it.
"""

import hmac
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from sandbox import state
from sandbox.behaviour import (
    Boot,
    CapacityRule,
    Enforcement,
    Fault,
    Latency,
    Lifecycle,
    Machines,
    Notices,
    Quota,
    Signature,
    SpotPrice,
    Storm,
    Throttle,
    ZoneScore,
    decode_delay,
)
from sandbox.behaviours import Behaviours
from sandbox.ec2.cloud import Cloud
from sandbox.front import Front
from sandbox.moto_server import MotoServer
from spawn.telemetry import metrics

S = TypeVar("S", bound=msgspec.Struct)

_PREFIX = "/_spawn/"
_AWS = "AWS4-HMAC-SHA256"


class Admin:
    """Sees and sets how the cloud behaves."""

    def __init__(
        self, front: Front, cloud: Cloud, behaviours: Behaviours, moto: MotoServer
    ) -> None:
        self._front = front
        self._cloud = cloud
        self._behaviours = behaviours
        self._moto = moto
        self.token = token_urlsafe(24)

    def add_routes(self, application: web.Application) -> None:
        """Add every route that is not AWS."""
        router, behaviours = application.router, self._behaviours
        router.add_get("/healthz", self._health)
        router.add_get("/metrics", self._metrics)
        router.add_get(f"{_PREFIX}state", self._state)
        router.add_post(f"{_PREFIX}reset-behaviour", self._reset)
        self._section(application, "capacity", CapacityRule, behaviours.add_capacity)
        self._section(application, "fault", Fault, behaviours.add_fault)
        self._section(application, "throttle", Throttle, behaviours.set_throttle)
        self._section(application, "latency", Latency, behaviours.add_latency)
        self._section(application, "lifecycle", Lifecycle, behaviours.set_lifecycle)
        self._section(application, "notices", Notices, behaviours.set_notices)
        self._section(application, "storm", Storm, behaviours.add_storm)
        self._section(application, "quota", Quota, behaviours.set_quota)
        self._section(application, "price", SpotPrice, behaviours.add_price)
        self._section(application, "score", ZoneScore, behaviours.add_score)
        self._section(application, "signature", Signature, behaviours.set_signature)
        self._section(application, "enforcement", Enforcement, behaviours.set_enforcement)
        self._section(application, "machines", Machines, behaviours.set_machines)
        self._section(application, "boot", Boot, behaviours.add_boot)
        router.add_route("*", _PREFIX + "{tail:.*}", self._unknown)
        router.add_route("*", "/moto-api/{tail:.*}", self._unknown)

    async def or_aws(self, request: web.Request) -> web.StreamResponse:
        """Answer everything that has no route here: AWS."""
        return await self._front.handle(request)

    def _section(
        self, application: web.Application, name: str, kind: type[S], apply: Callable[[S], None]
    ) -> None:
        async def post(request: web.Request) -> web.StreamResponse:
            self.check(request)
            body = _decode(await request.read(), kind)
            await self._moto.run(apply, body)
            return web.json_response({"ok": True})

        application.router.add_post(f"{_PREFIX}{name}", post)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        self.check(request)
        seen = await self._moto.run(state.of, self._cloud, self._front, self._behaviours)
        return web.Response(body=msgspec.json.encode(seen), content_type="application/json")

    async def _reset(self, request: web.Request) -> web.StreamResponse:
        self.check(request)
        await self._moto.run(self._behaviours.reset)
        return web.json_response({"ok": True})

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        raise _error(web.HTTPNotFound, f"no {request.method} {request.path}")

    async def _health(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization", "").startswith(_AWS):
            return await self._front.handle(request)
        return web.Response(text="ok\n")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization", "").startswith(_AWS):
            return await self._front.handle(request)
        await self._moto.run(state.measure, self._cloud)
        headers = {"Content-Type": metrics.CONTENT_TYPE}
        return web.Response(body=metrics.exposition(), headers=headers)

    def check(self, request: web.Request) -> None:
        """Raise 401 for a request without the admin token."""
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise _error(web.HTTPUnauthorized, "the admin token of sandbox.json is required")


def _decode(body: bytes, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(body, type=kind, dec_hook=decode_delay)
    except msgspec.DecodeError as error:
        raise _error(web.HTTPBadRequest, str(error)) from error


def _error(kind: Any, text: str) -> web.HTTPException:
    body = msgspec.json.encode({"error": text}).decode()
    return kind(text=body, content_type="application/json")
