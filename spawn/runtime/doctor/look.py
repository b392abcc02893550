"""Looking at a control plane from outside: its files, its addresses, its bus."""

import asyncio
import http.client
import shutil
from contextlib import closing
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from spawn.bus import streams
from spawn.bus.connection import connect
from spawn.bus.settings import BusSettings
from spawn.clock import Clock
from spawn.errors import Outcome
from spawn.runtime.doctor import judge
from spawn.runtime.doctor.findings import BusView, Finding, SandboxView, ServiceView
from spawn.runtime.home import BusAddress, ChildState, ControlState, Home
from spawn.runtime.processes import is_alive
from spawn.runtime.settings import load
from spawn.runtime.supervisor import nats_server
from spawn.runtime.supervisor.probe import PATIENCE, answers, ask
from spawn.runtime.supervisor.readiness import read_run_file
from spawn.runtime.supervisor.specs import BUS

_HALF_A_SECOND = timedelta(milliseconds=500)
"""A Date header has whole seconds: on average it is this much behind."""


class _Names(msgspec.Struct, frozen=True):
    streams: list[str] | None = None


class _Varz(msgspec.Struct, frozen=True):
    version: str = ""


class _Readiness(msgspec.Struct, frozen=True):
    reasons: dict[str, str] = {}


def bus_settings(address: BusAddress) -> BusSettings:
    """Return how commands connect to a bus."""
    return msgspec.structs.replace(
        load(BusSettings), nats_url=address.url, nats_creds=address.creds
    )


async def look_at_bus(
    address: BusAddress, state: ControlState | None, clock: Clock
) -> tuple[BusView, list[Finding]]:
    """Connect as a command does, and list the streams."""
    settings = bus_settings(address)
    findings: list[Finding] = []
    try:
        async with connect(settings, name="spawn-doctor", patient=False, clock=clock) as bus:
            found = await bus.js.call("STREAM.NAMES", answer=_Names)
        findings.append(Finding("bus", ok=True, detail=f"{settings.shown}, JetStream is usable"))
        wanted = [config.name for config in streams.table(1)]
        findings.append(judge.judge_streams(found.streams or (), wanted))
    except Outcome as error:
        hint = f"see the log of {BUS}" if state else "check SPAWN_NATS_URL and SPAWN_NATS_CREDS"
        findings.append(Finding("bus", ok=False, detail=error.message, hint=hint))
    view = BusView(url=settings.shown, reachable=findings[0].ok)
    if state is not None:
        version = await asyncio.to_thread(_version, state)
        findings.append(judge.judge_version(version, nats_server.version()))
        child = state.child(BUS)
        view = msgspec.structs.replace(
            view,
            version=version,
            pid=child.process.pid if child else None,
            monitor_url=state.monitor_url,
        )
    return view, findings


async def look_at_host(home: Home, child: ChildState) -> tuple[list[ServiceView], Finding]:
    """Ask a service process whether it is ready, and whether its metrics are served."""
    said = read_run_file(home.run_file(child.name))
    if said is None or said.pid != child.process.pid or not is_alive(child.process):
        why = "does not run" if not is_alive(child.process) else "has not said where it listens"
        return _views(child, "", ready=False), judge.judge_process(child, ready=False, why=why)
    why = await asyncio.to_thread(_why_not_ready, said.ready_url)
    if not why and not await answers(said.metrics_url):
        why = f"{said.metrics_url} does not answer"
    return (
        _views(child, said.metrics_url, ready=not why),
        judge.judge_process(child, ready=not why, why=why),
    )


async def look_at_sandbox(state: ControlState) -> tuple[SandboxView | None, Finding]:
    """Ask the laptop cloud whether it is there."""
    facts = state.sandbox
    if facts is None:
        hint = "see its log"
        return None, Finding("sandbox", ok=False, detail="has not started yet", hint=hint)
    reachable = await answers(f"{facts.endpoint}/healthz")
    view = SandboxView(
        endpoint=facts.endpoint,
        region=facts.region,
        pid=facts.pid,
        reachable=reachable,
        metrics_url=facts.metrics_url,
    )
    detail = f"{facts.endpoint} {'answers' if reachable else 'does not answer'}"
    hint = "" if reachable else "see its log; it is started again when it ends"
    return view, Finding("sandbox", ok=reachable, detail=detail, hint=hint)


def look_at_disk(home: Home) -> Finding:
    """Measure the room for streams."""
    return judge.judge_disk(shutil.disk_usage(home.root).free, str(home.root))


async def look_at_clock(url: str, clock: Clock) -> Finding:
    """Compare this machine's clock with the Date that a server answers with."""
    against = urlsplit(url).netloc
    try:
        date = await asyncio.to_thread(_date_of, url)
    except (OSError, http.client.HTTPException, ValueError) as error:
        hint = "the cloud's address must be reachable from here"
        return Finding("clock", ok=False, detail=f"{against} can't be asked: {error}", hint=hint)
    return judge.judge_skew(clock.now() - parsedate_to_datetime(date) - _HALF_A_SECOND, against)


def existing(files: dict[str, str]) -> list[str]:
    """Return the names of those files that exist."""
    return [name for name, path in files.items() if Path(path).expanduser().exists()]


def _views(child: ChildState, metrics_url: str, *, ready: bool) -> list[ServiceView]:
    return [
        ServiceView(name=name, pid=child.process.pid, ready=ready, metrics_url=metrics_url)
        for name in child.services
    ]


def _why_not_ready(url: str) -> str:
    try:
        status, body = ask(url)
    except OSError as error:
        return f"{url} does not answer ({error})"
    if status == http.client.OK:
        return ""
    reasons = msgspec.json.decode(body, type=_Readiness).reasons
    return "; ".join(f"{part}: {why}" for part, why in reasons.items()) or f"answers {status}"


def _version(state: ControlState) -> str:
    try:
        _, body = ask(f"{state.monitor_url}/varz")
    except OSError:
        return ""  # judged as unknown
    return msgspec.json.decode(body, type=_Varz).version


def _date_of(url: str) -> str:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with closing(
        kind(parts.hostname or "", parts.port, timeout=PATIENCE.total_seconds())
    ) as connection:
        connection.request("HEAD", "/")
        date = connection.getresponse().headers["Date"]
    if not date:
        raise ValueError("it answers without a Date")
    return date
