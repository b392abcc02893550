"""What Prometheus sees of a real run, as its own tool, the dashboards and an alert judge it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import pytest_asyncio

from scripts.dashboards.boards import BOARDS
from spawn.bus.connection import connect
from spawn.bus.jetstream import MESSAGE_ID
from spawn.bus.settings import BusSettings
from spawn.contracts.launches import SUBJECT_LAUNCH
from spawn.runtime.home import find_bus
from tests.fixtures.control import PATIENCE, Plane
from tests.fixtures.jobs import LAUNCH, behave, follow
from tests.fixtures.prometheus import Prometheus, promtool, running_prometheus

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="session"),
    # What starts here counts for the first test, and may be the first on a busy machine.
    pytest.mark.timeout(300),
]

_POLL = timedelta(milliseconds=200)
_SOON = "5m"


@dataclass(frozen=True)
class Watched:
    """A control plane that has been through something under the eyes of a Prometheus."""

    plane: Plane
    prometheus: Prometheus
    urls: frozenset[str]

    async def until(self, expression: str) -> None:
        """Wait until a query has an answer."""
        await self.plane.until(lambda: bool(self.prometheus.query(expression)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched(
    machines_plane: Plane, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Watched]:
    plane = machines_plane
    diagnosis = json.loads((await plane.run("doctor", "--json")).out)
    services: set[str] = {each["metrics_url"] for each in diagnosis["services"]}
    targets = [urlsplit(url).netloc for url in services]
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        urls = frozenset({*services, diagnosis["sandbox"]["metrics_url"]})
        watched = Watched(plane, prometheus, urls)
        await plane.until(prometheus.is_ready)
        await watched.until("up == 1 and on (instance) spawn_runtime_ready == 1")
        try:
            await live_through(plane)
            yield watched
        finally:
            await behave(plane)
            for name in ("kept", "brief"):
                await plane.run("terminate", name, "--yes", "--no-wait")


async def live_through(plane: Plane) -> None:
    """Have something of everything: a job, a lease that ends, no capacity, a dead letter."""
    # A lease that may end before its machine runs: that it does is what is to be seen.
    brief = await plane.run(*LAUNCH, "--name", "brief", "--ttl", "5s", "--no-wait")
    assert brief.code == 0, brief.err
    done = await follow(plane, "measured", "true")
    assert done.code == 0, done.err
    kept = await plane.run(*LAUNCH, "--name", "kept")
    assert kept.code == 0, kept.err
    assert (await plane.run("sandbox", "capacity", "0")).code == 0
    full = await plane.run(*LAUNCH, "--name", "full")
    assert full.code == 1, full.err
    await send_nonsense(plane)


async def send_nonsense(plane: Plane) -> None:
    """Send a launch that says nothing a launch must say."""
    address = find_bus(plane.home)
    settings = BusSettings(nats_url=address.url, nats_creds=address.creds)
    async with connect(settings, name="nonsense", patient=False, clock=plane.clock) as bus:
        headers = {MESSAGE_ID: "nonsense"}
        await bus.js.publish(SUBJECT_LAUNCH, b"{}", headers=headers, patience=PATIENCE)


async def test_promtool_accepts_what_every_process_says(watched: Watched) -> None:
    assert len(watched.urls) == 2
    for url in watched.urls:
        said = await asyncio.to_thread(_read, url)
        assert b"\nspawn_" in said
        code, complaints = await asyncio.to_thread(promtool, "check", "metrics", said=said)
        assert code == 0, f"{url}: {complaints}"


async def test_no_panel_is_empty(watched: Watched) -> None:
    # Once a minute and over a day is what dashboards ask; a run of seconds is shown by the second.
    empty = {
        f"{board.title}: {panel.title}: {query.expression}": query.expression.replace(
            "$__rate_interval", _SOON
        ).replace(":1m]", ":1s]")
        for board in BOARDS
        for panel in board.panels
        for query in panel.queries
    }
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while empty := await asyncio.to_thread(_still_empty, watched.prometheus, empty):
                await watched.plane.clock.sleep(_POLL)
    except TimeoutError:
        pytest.fail("empty:\n" + "\n".join(empty))


async def test_a_message_that_nobody_can_handle_fires_its_alert(watched: Watched) -> None:
    await watched.plane.until(lambda: "SpawnDeadLetters" in watched.prometheus.firing())
    assert not {"SpawnBusDown", "SpawnServiceDown", "SpawnDefect"} & watched.prometheus.firing()


def _read(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:
        return answer.read()


def _still_empty(prometheus: Prometheus, queries: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in queries.items() if not prometheus.query(text)}
