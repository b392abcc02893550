"""Anybody's NATS client as an observer: valid CloudEvents of the documented types."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nats
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from spawn.contracts import events
from spawn.contracts.events import event_name
from tests.faults import claims
from tests.faults.plant import Plant

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]

SIZE = 3
DOCUMENTED = {f"spawn.{event_name(kind)}.v1" for kind in events.Data.__args__}


ENDED = "spawn.array.terminated.v1"

OBSERVER = """
import { connect } from "@nats-io/transport-node";

const [url, last] = process.argv.slice(2);
const connection = await connect({ servers: url });
const subscription = connection.subscribe("spawn.evt.>");
await connection.flush();
console.log("subscribed");
for await (const message of subscription) {
  const headers = {};
  for (const key of message.headers.keys()) headers[key] = message.headers.get(key);
  console.log(JSON.stringify({ subject: message.subject, headers, body: message.string() }));
  if (headers["ce-type"] === last) break;
}
await connection.close();
"""


async def live_and_end(plant: Plant) -> str:
    plant.start("a")
    array_id = await plant.launch("t", SIZE)
    await plant.until(array_id, "array.ready")
    await plant.terminate(array_id)
    await plant.until(array_id, "array.terminated")
    return array_id


def check(messages: list[tuple[str, Mapping[str, str], bytes]], array_id: str) -> None:
    expected = claims.whole_life(SIZE).total()
    assert len({headers["ce-id"] for _, headers, _ in messages}) == expected
    for subject, headers, body in messages:
        event: Any = from_binary(HTTPMessage(dict(headers), body), JSONFormat(), CloudEvent)
        assert event.get_specversion() == "1.0"
        assert event.get_type() in DOCUMENTED
        noun_and_verb = event.get_type().removeprefix("spawn.").removesuffix(".v1")
        assert subject == f"spawn.evt.{array_id}.{noun_and_verb}"
        assert event.get_subject().partition("/")[0] == array_id
        assert event.get_source().startswith("/spawn/")
        assert event.get_time().tzinfo is not None
        assert event.get_data()["type"] == noun_and_verb


async def test_a_plain_client_sees_cloud_events(plant: Plant) -> None:
    seen: list[tuple[str, Mapping[str, str], bytes]] = []

    async def note(message: Any) -> None:
        seen.append((message.subject, message.headers, message.data))

    library: Any = nats
    client = await library.connect(plant.server.url)
    try:
        await client.subscribe("spawn.evt.>", cb=note)
        # A flush may overtake what was subscribed; a question does not.
        await client.jetstream().account_info()
        array_id = await live_and_end(plant)

        async def all_seen() -> bool:
            return any(headers["ce-type"] == ENDED for _, headers, _ in seen)

        await plant.until_true("the last event", all_seen)
    finally:
        await client.close()
    check(seen, array_id)


async def test_a_client_in_another_language_sees_the_same(plant: Plant, tmp_path: Path) -> None:
    node = await install_node_client(tmp_path)
    script = tmp_path / "observer.mjs"
    await asyncio.to_thread(script.write_text, OBSERVER)
    process = await asyncio.create_subprocess_exec(
        node, script, plant.server.url, ENDED, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"subscribed\n"
        array_id = await live_and_end(plant)
        async with asyncio.timeout(60):
            lines = (await process.stdout.read()).splitlines()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    read = [json.loads(line) for line in lines]
    check([(each["subject"], each["headers"], each["body"].encode()) for each in read], array_id)


async def install_node_client(folder: Path) -> str:
    """Install the client into a folder; skip where there is no Node.js or no registry."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("NOT TESTED with another language: there is no Node.js")
    arguments = ("install", "--silent", "--no-audit", "--no-fund", "@nats-io/transport-node@3")
    process = await asyncio.create_subprocess_exec(
        npm,
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if await process.wait():
        pytest.skip("NOT TESTED with another language: npm can't install the client")
    return node
