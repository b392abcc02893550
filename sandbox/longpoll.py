"""SQS long polls, without holding moto's thread.

moto waits inside the call. Here ReceiveMessage asks at once, and when there is nothing it waits
in the loop until something may have been sent, so any number of polls costs nothing.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from moto.sqs.models import sqs_backends

from sandbox.errors import Reply
from sandbox.moto_server import MotoServer
from sandbox.request import Call
from sandbox.validation import json_object
from spawn.clock import Clock, wait_event

_SENDS = frozenset({"sqs", "sns", "events", "s3", "ec2", "autoscaling"})
_LONGEST = 20
"""Seconds (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html)."""
_RECHECK = timedelta(seconds=1)
"""A delay or a visibility timeout that runs out announces itself to nobody."""


class LongPolls:
    """Calls to moto, with ReceiveMessage made to wait outside it."""

    def __init__(self, moto: MotoServer, clock: Clock) -> None:
        self._moto = moto
        self._clock = clock
        self._sent = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Let every waiting poll look again."""
        self._sent.set()
        self._sent = asyncio.Event()

    def stop(self) -> None:
        """Let every waiting poll return what it has."""
        self._stopping = True
        self.wake()

    async def call(self, call: Call) -> Reply:
        """Answer a call by moto."""
        if call.service == "sqs" and call.action == "ReceiveMessage":
            return await self._receive(call)
        reply = await self._moto.perform(self._moto.call, call)
        if call.service in _SENDS:
            self.wake()
        return reply

    async def _receive(self, call: Call) -> Reply:
        wait = await self._moto.perform(_wait_time, call)
        if not 0 < wait <= _LONGEST:
            return await self._moto.perform(self._moto.call, call)
        at_once = _without_wait(call)
        ends = self._clock.monotonic() + wait
        while True:
            # Taken before the call: what is sent during it must not be missed.
            sent = self._sent
            reply = await self._moto.perform(self._moto.call, at_once)
            left = timedelta(seconds=ends - self._clock.monotonic())
            if reply.code or not _empty(reply) or left <= timedelta(0) or self._stopping:
                return reply
            await wait_event(sent, min(left, _RECHECK))


def _parameters(call: Call) -> dict[str, Any]:
    return json_object(call) if call.protocol == "json" else dict(call.form)


def _wait_time(call: Call) -> int:
    """Return the seconds to wait: the call's, else the queue's own."""
    parameters = _parameters(call)
    given = parameters.get("WaitTimeSeconds")
    if given is not None:
        return int(given) if str(given).isdecimal() else -1
    name = str(parameters.get("QueueUrl", call.path)).rstrip("/").rpartition("/")[2]
    queue: Any = sqs_backends[call.account][call.region].queues.get(name)
    return 0 if queue is None else int(queue.receive_message_wait_time_seconds)


def _without_wait(call: Call) -> Call:
    parameters = _parameters(call)
    if call.protocol == "json":
        body = json.dumps({**parameters, "WaitTimeSeconds": 0}).encode()
        return msgspec.structs.replace(call, body=body)
    form = {**parameters, "WaitTimeSeconds": "0"}
    return msgspec.structs.replace(call, form=form, query="", body=urlencode(form).encode())


def _empty(reply: Reply) -> bool:
    return b'"ReceiptHandle"' not in reply.body and b"<ReceiptHandle>" not in reply.body
