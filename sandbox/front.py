"""The front: what happens to a call between the socket and the cloud.

Signature, token bucket, fault, latency, permission, then the call itself in moto's thread. A
refusal looks to the client exactly as AWS's would.
"""

import asyncio
from http import HTTPStatus
from secrets import token_hex
from typing import NamedTuple
from uuid import UUID

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from sandbox import metrics, pricing
from sandbox.behaviour import ANY, Fault
from sandbox.behaviours import Behaviours
from sandbox.buckets import UNFILTERED, Key
from sandbox.credentials import UNSIGNED, Credentials, missing_signature
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.operations import OPERATIONS, resources
from sandbox.errors import AwsError, Reply, render
from sandbox.iam.guard import Guard
from sandbox.longpoll import LongPolls
from sandbox.moto_server import MotoServer
from sandbox.request import Call, parse
from sandbox.routing import check_region, operation_of
from sandbox.tally import Tally
from sandbox.validation import json_object
from spawn.clock import Clock

_CAN_BE_UNFILTERED = frozenset(
    {"DescribeInstances", "DescribeInstanceStatus", "DescribeSpotInstanceRequests"}
)
_ONE_BUCKET = frozenset({"route53"})
"""Services whose calls all draw on one bucket."""
_ALWAYS_SIGNED = frozenset({"ec2", "iam", "sts"})


class Parts(NamedTuple):
    """What the front works with."""

    cloud: Cloud
    moto: MotoServer
    behaviours: Behaviours
    polls: LongPolls
    credentials: Credentials
    clock: Clock


class Front:
    """Answers AWS API calls."""

    def __init__(self, parts: Parts) -> None:
        self._cloud = parts.cloud
        self._moto = parts.moto
        self._behaviours = parts.behaviours
        self._polls = parts.polls
        self._clock = parts.clock
        self._credentials = parts.credentials
        self._guard = Guard(parts.cloud, parts.clock)
        self.tally = Tally()
        self.stopping = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        call = await self._read(request)
        started = self._clock.monotonic()
        fault = None
        try:
            call = await self._moto.perform(self._placed, call)
            await self._authenticate(call)
            charge = self._admit(call)
            fault = self._behaviours.faults.strike(call)
            reply = await self._perform(call, charge, fault)
        except AwsError as error:
            reply = render(error, call.protocol, request_id=call.request_id)
        self.tally.answered(call, reply, seconds=self._clock.monotonic() - started)
        if fault is not None and fault.kind != "error":
            return await self._say_nothing(request, fault)
        return _response(reply)

    async def _read(self, request: web.Request) -> Call:
        return parse(
            method=request.method,
            target=request.raw_path,
            headers=tuple(request.headers.items()),
            body=await request.read(),
            request_id=str(UUID(hex=token_hex(16), version=4)),
        )

    def _placed(self, call: Call) -> Call:
        """Return the call with its account, and its API where only the path says it."""
        check_region(call)
        if call.protocol == "json":
            json_object(call)
        account = self._credentials.account_of(call)
        action = call.action or operation_of(call)
        return msgspec.structs.replace(call, account=account, action=action)

    async def _authenticate(self, call: Call) -> None:
        if call.scope is None and call.service in _ALWAYS_SIGNED and call.action not in UNSIGNED:
            raise missing_signature()
        if self._behaviours.verifies(call.service):
            await self._moto.perform(self._credentials.verify, call)

    def _admit(self, call: Call) -> "Charge | None":
        if not self._behaviours.throttling:
            return None
        charge = Charge(_key(call), resources(call))
        limits = self._behaviours.limits(call.service, charge.key.api)
        now = self._clock.monotonic()
        if self._behaviours.buckets.admit(charge.key, limits, resources=charge.resources, now=now):
            return charge
        self.tally.refused(call)
        raise _throttled(call)

    async def _perform(self, call: Call, charge: "Charge | None", fault: Fault | None) -> Reply:
        touched = 0
        try:
            await self._clock.sleep(self._behaviours.latency(call))
            if fault is not None:
                metrics.FAULTS.labels(kind=fault.kind).inc()
                if fault.kind == "error":
                    raise AwsError(fault.code, fault.message, status=fault.status)
                if fault.kind == "hang":
                    return Reply(0, b"", code="hang")
            held = self._is_held(call)
            if held:
                await self._moto.perform(self._guard.check, call)
            if call.service == "pricing":
                return await self._moto.perform(pricing.answer, call)
            operation = OPERATIONS.get(call.action) if call.service == "ec2" else None
            if operation is None:
                reply = await self._polls.call(call)
                return await self._shown(call, reply) if held else reply
            answer = await self._moto.perform(operation, call, self._cloud)
            touched = answer.resources
            return Reply(200, answer.body)
        finally:
            self._settle(charge, touched)

    def _is_held(self, call: Call) -> bool:
        """Say whether a caller is held to policies; the account's own key is not."""
        own = call.access_key == self._credentials.access_key_id
        return self._behaviours.enforcing and not own

    async def _shown(self, call: Call, reply: Reply) -> Reply:
        """Return what the caller may see of an answer. Raises `AwsError` for what it may not."""
        if reply.status != HTTPStatus.NOT_FOUND:
            return reply
        if await self._moto.perform(self._guard.hides, call):
            raise AwsError("AccessDenied", "Access Denied", status=HTTPStatus.FORBIDDEN)
        return reply

    def _settle(self, charge: "Charge | None", touched: int) -> None:
        """Give back the resource tokens of instances that the call did not touch."""
        if charge is None or charge.resources <= touched:
            return
        self._behaviours.buckets.give_back(
            charge.key,
            self._behaviours.limits(charge.key.service, charge.key.api),
            resources=charge.resources - touched,
            now=self._clock.monotonic(),
        )

    async def _say_nothing(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind == "hang":
            # Until the client gives up, which cancels this handler, or the sandbox ends.
            await self.stopping.wait()
        if request.transport is not None:
            request.transport.close()
        return web.Response()


class Charge(NamedTuple):
    """What a call took from its buckets."""

    key: Key
    resources: int


def _key(call: Call) -> Key:
    api = call.action or call.method
    if call.service in _ONE_BUCKET:
        api = ANY
    if call.service == "ec2" and api in _CAN_BE_UNFILTERED and not _narrowed(call):
        api += UNFILTERED
    return Key(call.account, call.region, call.service, api)


def _narrowed(call: Call) -> bool:
    return any(name.startswith("Filter.") or name == "MaxResults" for name in call.form)


def _throttled(call: Call) -> AwsError:
    if call.service == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", status=503)
    code = "ThrottlingException" if call.protocol == "json" else "Throttling"
    return AwsError(code, "Rate exceeded")


def _response(reply: Reply) -> web.Response:
    headers = CIMultiDict(reply.headers)
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=reply.body, headers=headers)
