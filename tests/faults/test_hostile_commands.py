"""No message whatsoever on the launcher's subjects stops it; what is wrong is named."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spawn.bus.dead import REASON, SHA256
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.streams import DEAD, EVENTS
from spawn.contracts.events import ArrayRejected
from spawn.contracts.launches import SUBJECT_LAUNCH, SUBJECT_TERMINATE
from spawn.errors import Rejected
from tests.faults import claims
from tests.faults.plant import Plant, planted
from tests.faults.scale import TORTURE
from tests.fixtures.sandbox import RunningSandbox
from tests.fixtures.streams import first_messages, held, until_settled

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

LARGEST = 1_000_000
"""A message with its headers, just below the server's maximum of 1 MiB."""


@pytest.fixture
async def launching(plant: Plant) -> AsyncIterator[Plant]:
    """A plant with a launcher that, at the end, still launches."""
    launcher = plant.start("a")
    yield plant
    await until_settled(plant.bus)
    array_id = await plant.launch("after", 2)
    await plant.until(array_id, "array.ready")
    await claims.check_ready(plant, array_id, size=2)
    assert launcher.is_alive
    assert launcher.log().count("service open") == 1, "the service was started again"


async def send(
    plant: Plant, body: bytes, *, subject: str = SUBJECT_LAUNCH, number: int = 0
) -> None:
    """Store a message as any client could."""
    headers = {MESSAGE_ID: f"raw-{number}"}
    await plant.bus.js.publish(subject, body, headers=headers, patience=None)


def launch_of(request_id: str, **spec: Any) -> bytes:
    named = {"name": "t", "region": "us-east-1", **spec}
    return json.dumps({"request_id": request_id, "spec": named}).encode()


ABSURD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("count", {"count": 0}),
    ("count", {"count": -1}),
    ("count", {"count": 5001}),
    ("count", {"count": 10**6}),
    ("min_count", {"count": 10, "min_count": 11}),
    ("region", {"region": "nowhere"}),
    ("ttl", {"ttl": "forever"}),
    ("ttl", {"ttl": "10w"}),
    ("user_data", {"user_data": "x" * 600 * 1024}),
    ("tags", {"tags": {"spawn:owner": "me"}}),
    ("zones", {"zones": ["eu-west-1a"]}),
)


async def test_the_field_of_an_absurd_value_is_named(launching: Plant) -> None:
    for number, (_, spec) in enumerate(ABSURD):
        await send(launching, launch_of(f"r{number}", **spec), number=number)
    await until_settled(launching.bus)
    told = [event.data for event in await launching.events()]
    assert all(isinstance(data, ArrayRejected) for data in told)
    rejected = {data.request_id: data for data in told if isinstance(data, ArrayRejected)}
    assert len(rejected) == len(told) == len(ABSURD)
    for number, (field, _) in enumerate(ABSURD):
        assert rejected[f"r{number}"].field == field
        assert field in rejected[f"r{number}"].message
    assert await held(launching.bus, DEAD) == 0


NO_NAMES = ("a b", "a.b", "größe", "a" * 300, "", ">", "*", "a\r\nb", "-a", "t-aaaaaaaaaaaa.array")


async def test_what_can_be_no_name_is_a_dead_letter(launching: Plant) -> None:
    for number, name in enumerate(NO_NAMES):
        await send(launching, launch_of(f"r{number}", name=name), number=number)
    await send(launching, launch_of("not a request id"), number=len(NO_NAMES))
    await until_settled(launching.bus)
    letters = await first_messages(launching.bus, DEAD, len(NO_NAMES) + 1)
    reasons = [letter.headers[REASON] for letter in letters]
    assert [reason.partition("=")[0] for reason in reasons] == [
        *("name" for _ in NO_NAMES),
        "request_id",
    ]
    assert await held(launching.bus, EVENTS) == 0


NO_LAUNCHES = {
    "empty": b"",
    "bytes": b"\x00\xff\xfe",
    "deep": b"[" * 20_000,
    "other types": b'{"request_id": 1}',
    "more": b'{"request_id": "r", "spec": {"name": "t"}, "more": 1}',
    "more inside": b'{"request_id": "r", "spec": {"name": "t", "more": 1}}',
    "text for a number": b'{"request_id": "r", "spec": {"name": "t", "count": "8"}}',
    "half a character": b'{"request_id": "\\ud800", "spec": {"name": "t"}}',
    "endless": b'{"request_id": "r", "spec": {"name": "t", "count": 1e400}}',
}


async def test_what_fails_the_schema_is_a_dead_letter(launching: Plant) -> None:
    for number, body in enumerate(NO_LAUNCHES.values()):
        await send(launching, body, number=number)
    await until_settled(launching.bus)
    letters = await first_messages(launching.bus, DEAD, len(NO_LAUNCHES))
    came = {sha256(body).hexdigest() for body in NO_LAUNCHES.values()}
    assert {letter.headers[SHA256] for letter in letters} == came
    assert await held(launching.bus, DEAD) == len(NO_LAUNCHES)
    told = [event.data for event in await launching.events()]
    messages = [data.message for data in told if isinstance(data, ArrayRejected)]
    assert len(messages) == len(told) == sum(b'"r"' in body for body in NO_LAUNCHES.values())
    assert sum("more" in message for message in messages) == 2
    assert sum("count" in message for message in messages) == 2


async def test_a_hundred_messages_of_the_largest_size(launching: Plant) -> None:
    for number in range(100):
        message = b"x" * LARGEST
        with pytest.raises(Rejected):
            await send(launching, message, number=number)
        # Past our own door, as another client would: the stream refuses it.
        await launching.bus.wire.publish(SUBJECT_LAUNCH, message)
    assert await held(launching.bus, DEAD) == 0


async def test_odd_subjects_stop_nothing(launching: Plant) -> None:
    for verb in ("extend", "terminate", "launch.x.y", "launch.*", "📦"):
        await launching.bus.wire.publish(f"spawn.cmd.launcher.{verb}", b"{}")
    await until_settled(launching.bus)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=10,
)
SPEC_FIELDS = ("name", "count", "min_count", "region", "zones", "tags", "ttl", "user_data", "ami")
specs = st.dictionaries(st.sampled_from(SPEC_FIELDS), json_values)
launches = st.fixed_dictionaries(
    {}, optional={"request_id": json_values, "spec": specs, "not_after": json_values}
)
near_misses = st.fixed_dictionaries(
    {
        "request_id": st.text("abc", min_size=1),
        "spec": specs.map(lambda spec: {**spec, "name": "t"}),
    }
)
terminates = st.fixed_dictionaries({"array_id": st.text()}, optional={"reason": json_values})
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    launches.map(lambda value: json.dumps(value).encode()),
    near_misses.map(lambda value: json.dumps(value).encode()),
    terminates.map(lambda value: json.dumps(value).encode()),
)
subjects = st.sampled_from((SUBJECT_LAUNCH, SUBJECT_TERMINATE, f"{SUBJECT_LAUNCH}.eve"))
messages = st.lists(st.tuples(subjects, bodies), min_size=5, max_size=30)


def any_messages(count: int) -> list[list[tuple[str, bytes]]]:
    """Draw batches of messages, the same in every run."""
    drawn: list[list[tuple[str, bytes]]] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(messages)
    def draw(batch: list[tuple[str, bytes]]) -> None:
        drawn.append(batch)

    draw()
    return drawn


async def test_no_message_stops_the_service(tmp_path: Path, cloud: RunningSandbox) -> None:
    async with planted(tmp_path / "plant", cloud, "hostile") as plant:
        launcher = plant.start("a")
        number = 0
        for batch in any_messages(500 if TORTURE else 40):
            for subject, body in batch:
                number += 1
                await send(plant, body, subject=subject, number=number)
            await until_settled(plant.bus)
            assert launcher.is_alive
        array_id = await plant.launch("after", 2)
        await plant.until(array_id, "array.ready")
        assert "handler failed" not in launcher.log()
