"""Waits, places, answers and table of the bus."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from spawn.bus import dead
from spawn.bus.backoff import delays, jittered
from spawn.bus.message import Message
from spawn.bus.pulling import Place, place
from spawn.bus.replies import DISCONNECTED, NO_RESPONDERS, TIMED_OUT, Replies
from spawn.bus.settings import BusSettings, login
from spawn.bus.streams import nanoseconds, table
from spawn.errors import Transient

HOUR = timedelta(hours=1)


def test_waits_double_up_to_the_longest() -> None:
    first, longest = timedelta(seconds=1), timedelta(seconds=5)
    steps = [1, 2, 4, 5, 5, 5]
    for wait, step in zip(islice(delays(first, longest), 6), steps, strict=True):
        assert timedelta(seconds=step / 2) <= wait <= timedelta(seconds=step)


def test_waits_differ() -> None:
    assert len({jittered(timedelta(seconds=1)) for _ in range(20)}) > 1


STORED = 1_780_315_200_500_000_000
EXPECTED = Place(
    consumer="tester",
    delivered=2,
    sequence=30,
    consumer_sequence=4,
    stored_at=datetime(2026, 6, 1, 12, 0, 0, 500_000, tzinfo=UTC),
    pending=5,
)


@pytest.mark.parametrize(
    "reply",
    [
        f"$JS.ACK.SPAWN_COMMANDS.tester.2.30.4.{STORED}.5",
        f"$JS.ACK._.hash.SPAWN_COMMANDS.tester.2.30.4.{STORED}.5",
        f"$JS.ACK.hub.hash.SPAWN_COMMANDS.tester.2.30.4.{STORED}.5.random",
    ],
    ids=["short form", "long form", "long form with a random end"],
)
def test_a_place_is_read_from_either_form(reply: str) -> None:
    assert place(Message("spawn.cmd.tester.do", b"", reply)) == EXPECTED


@pytest.mark.parametrize("reply", ["", "_INBOX.x.1", "$JS.ACK.short", "$JS.ACK.a.b.x.y.z.1.2"])
def test_what_comes_from_no_consumer_has_no_place(reply: str) -> None:
    with pytest.raises(ValueError, match=r"consumer|invalid literal"):
        place(Message("s", b"", reply))


async def test_an_answer_reaches_who_waits_for_it() -> None:
    replies = Replies("_INBOX.x")
    first, second = replies.expect("a"), replies.expect("b")
    await replies.receive(Message(second.inbox, b"2"))
    await replies.receive(Message(first.inbox, b"1"))
    await replies.receive(Message("_INBOX.x.99", b"nobody waits"))
    assert (await first.wait(HOUR)).data == b"1"
    assert (await second.wait(HOUR)).data == b"2"


async def test_what_waits_fails_when_the_connection_is_lost() -> None:
    replies = Replies("_INBOX.x")
    reply = replies.expect("spawn.api.x")
    replies.fail()
    with pytest.raises(Transient) as raised:
        await reply.wait(HOUR)
    assert raised.value.code == DISCONNECTED


async def test_no_answer_and_nobody_there_are_told_apart() -> None:
    replies = Replies("_INBOX.x")
    with pytest.raises(Transient) as raised:
        await replies.expect("spawn.api.x").wait(timedelta(0))
    assert raised.value.code == TIMED_OUT
    assert "spawn.api.x" in raised.value.message
    reply = replies.expect("spawn.api.x")
    await replies.receive(Message(reply.inbox, b"", headers={"Status": "503"}))
    with pytest.raises(Transient) as raised:
        await reply.wait(HOUR)
    assert raised.value.code == NO_RESPONDERS


async def test_who_is_cancelled_leaves_nothing_behind() -> None:
    replies = Replies("_INBOX.x")
    reply = replies.expect("spawn.api.x")
    waiting = asyncio.gather(reply.wait(HOUR))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await replies.receive(Message(reply.inbox, b"late"))
    replies.fail()


def test_no_two_streams_share_subjects_and_every_bucket_keeps_one_state() -> None:
    configs = table(3)
    subjects = [subject for config in configs for subject in config.subjects]
    assert len(set(subjects)) == len(subjects)
    assert {config.num_replicas for config in configs} == {3}
    buckets = [config for config in configs if config.name.startswith("KV_")]
    assert {config.max_msgs_per_subject for config in buckets} == {1}


def test_durations_become_nanoseconds() -> None:
    assert nanoseconds(timedelta(minutes=30)) == 1_800_000_000_000


def test_credentials_are_not_shown() -> None:
    urls = "nats://u:p@a:1, tls://b:2,x:y@c:3"
    assert BusSettings(nats_url=urls).shown == "nats://a:1,tls://b:2,nats://c:3"


def test_the_url_may_say_who_we_are() -> None:
    who = login(BusSettings(nats_url="nats://me:p%40ss@a:1"))
    assert (who.user, who.password) == ("me", "p@ss")


def test_a_reason_of_death_has_a_word_for_the_metric() -> None:
    why = dead.Undeliverable("long explanation", code="schema")
    assert (str(why), why.code) == ("long explanation", "schema")
