"""Deciding who may connect: a few at once, some waiting, the rest told to come later."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from spawn.bus.callout import MOST_WAITING, SIDE_BY_SIDE, SUBJECT, Knock, answering
from spawn.bus.connection import Bus
from spawn.bus.issuing import Issuer, Permissions, claims_of, new_seed
from spawn.bus.message import Message, Receiver
from spawn.errors import Rejected
from tests.fakes.clock import VirtualClock

CLOCK = VirtualClock()
ISSUER = Issuer(new_seed())


class FakeSubscription:
    async def close(self) -> None:
        pass


class FakeWire:
    """The server's side: asks, and keeps what it is answered."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.ask: Receiver | None = None

    async def subscribe(self, subject: str, receiver: Receiver, *, queue: str) -> FakeSubscription:
        assert (subject, queue) == (SUBJECT, "callout")
        self.ask = receiver
        return FakeSubscription()

    async def publish(self, subject: str, data: bytes) -> None:
        assert subject == "reply"
        self.answers.put_nowait(claims_of(data, dict[str, Any]))


def question(number: int = 0, *, seconds_left: float = 20) -> Message:
    claims = {
        "exp": int((CLOCK.now() + timedelta(seconds=seconds_left)).timestamp()),
        "nats": {
            "server_id": {"id": "SERVER"},
            "user_nkey": f"U{number}",
            "client_info": {"host": "10.0.0.9"},
            "connect_opts": {"auth_token": f"token-{number}"},
        },
    }
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return Message(SUBJECT, b"e30." + body + b".c2ln", "reply")


def permissions(name: str) -> Permissions:
    return Permissions(
        name=name,
        account="APP",
        publish=("a.b",),
        subscribe=("c.d",),
        expires=CLOCK.now() + timedelta(hours=1),
    )


def bus() -> tuple[Bus, FakeWire]:
    wire = FakeWire()
    return Bus(wire, name="t", shown="t", clock=CLOCK), wire  # pyright: ignore[reportArgumentType] # the part of a Wire that is used


async def asked(
    judge: Callable[[Knock], Awaitable[Permissions]], *messages: Message
) -> list[dict[str, Any]]:
    """Return what the server is answered to these questions."""
    connection, wire = bus()
    async with answering(connection, ISSUER, judge):
        assert wire.ask is not None
        for message in messages:
            await wire.ask(message)
    return [wire.answers.get_nowait() for _ in range(wire.answers.qsize())]


async def test_who_may_is_given_a_user_of_the_account() -> None:
    async def judge(knock: Knock) -> Permissions:
        assert (knock.token, knock.host) == ("token-7", "10.0.0.9")
        return permissions("i-1")

    (answer,) = await asked(judge, question(7))
    assert (answer["iss"], answer["sub"], answer["aud"]) == (ISSUER.public, "U7", "SERVER")
    user = claims_of(answer["nats"]["jwt"].encode(), dict[str, Any])
    assert (user["sub"], user["aud"], user["name"]) == ("U7", "APP", "i-1")
    assert user["nats"]["pub"] == {"allow": ["a.b"]}
    assert user["nats"]["sub"] == {"allow": ["c.d"]}
    assert user["exp"] == int((CLOCK.now() + timedelta(hours=1)).timestamp())


async def test_who_may_not_is_told_nothing_but_that() -> None:
    async def judge(_: Knock) -> Permissions:
        raise Rejected("the signature is that of somebody else")

    (answer,) = await asked(judge, question())
    assert answer["nats"]["error"] == "refused"


async def test_nobody_gets_in_by_a_defect() -> None:
    async def judge(_: Knock) -> Permissions:
        raise ZeroDivisionError

    answers = await asked(judge, question(), question())
    assert [each["nats"]["error"] for each in answers] == ["failed", "failed"]


async def test_some_wait_and_the_rest_comes_later() -> None:
    going, most = asyncio.Event(), 0
    inside = 0

    async def judge(_: Knock) -> Permissions:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await going.wait()
        inside -= 1
        return permissions("i-1")

    connection, wire = bus()
    room, late = SIDE_BY_SIDE + MOST_WAITING, 5
    async with answering(connection, ISSUER, judge):
        assert wire.ask is not None
        for number in range(room + late):
            await wire.ask(question(number))
        first = [await wire.answers.get() for _ in range(late)]
        assert {each["nats"]["error"] for each in first} == {"later"}
        going.set()
    assert wire.answers.qsize() == room
    assert all("jwt" in wire.answers.get_nowait()["nats"] for _ in range(room))
    assert most == SIDE_BY_SIDE


async def test_whom_the_server_has_given_up_is_not_looked_at() -> None:
    async def judge(_: Knock) -> Permissions:
        raise AssertionError("was looked at")

    (answer,) = await asked(judge, question(seconds_left=-1))
    assert answer["nats"]["error"] == "later"


async def test_what_is_no_question_is_not_answered() -> None:
    async def judge(_: Knock) -> Permissions:
        raise AssertionError("was looked at")

    bodies = (b"", b"a.b", b"a.!!!.c", b"e30.e30.e30", b"e30.W10.e30")
    assert not await asked(judge, *(Message(SUBJECT, body, "reply") for body in bodies))
