"""One examination of the control plane: what runs, then everything that can be wrong."""

import asyncio

from spawn.clock import Clock
from spawn.errors import Transient
from spawn.runtime.doctor import judge, look
from spawn.runtime.doctor.ask import ask_services
from spawn.runtime.doctor.door import look_at_door
from spawn.runtime.doctor.findings import Diagnosis, Finding, ServiceView
from spawn.runtime.home import ControlState, Home, find_bus, running
from spawn.runtime.settings import environment
from spawn.runtime.supervisor import recovery
from spawn.runtime.supervisor.deployment import deployment_id
from spawn.runtime.supervisor.footprint import Footprint

_STS = "https://sts.{region}.amazonaws.com/"
"""https://docs.aws.amazon.com/general/latest/gr/sts.html; answers anybody with the time."""

_START = "start one with `spawn up --sandbox` (a cloud on this machine) or `spawn up` (AWS)"


async def examine(home: Home, clock: Clock) -> Diagnosis:
    """Look at everything; nothing is changed."""
    state = running(home)
    try:
        address = find_bus(home)
    except Transient:
        return _nothing_runs(home)
    bus, findings = await look.look_at_bus(address, state, clock)
    services: list[ServiceView] = []
    sandbox = None
    if state is not None:
        findings.insert(0, _control_plane(state))
        services, found = await _look_at_services(home, state)
        findings += [*found, look.look_at_disk(home)]
        if state.mode == "sandbox":
            sandbox, finding = await look.look_at_sandbox(state)
            findings.append(finding)
        findings += await _look_at_cloud(state, clock)
        door = await look_at_door(state)
        findings += [door] if door else []
    if bus.reachable:
        settings = look.bus_settings(address)
        wanted = state.services if state else ()
        findings += await ask_services(settings, wanted, region=_region(state), clock=clock)
    return Diagnosis(
        deployment=state.deployment if state else deployment_id(home),
        running=state is not None or bus.reachable,
        services=tuple(services),
        bus=bus,
        sandbox=sandbox,
        findings=tuple(findings),
    )


def _nothing_runs(home: Home) -> Diagnosis:
    left = recovery.find(home, Footprint(home)).cloud
    finding = (
        Finding("control plane", ok=False, detail="none is running", hint=_START)
        if left is None
        else Finding(
            "control plane",
            ok=False,
            detail=f"none is running; the laptop cloud of an earlier one is (pid {left.pid})",
            hint="`spawn up --sandbox` takes it over, `spawn down` ends it",
        )
    )
    return Diagnosis(
        deployment=deployment_id(home),
        running=False,
        services=(),
        bus=None,
        sandbox=None,
        findings=(finding,),
    )


def _control_plane(state: ControlState) -> Finding:
    detail = f"pid {state.supervisor.pid} is {state.state}, deployment {state.deployment}"
    hint = "" if state.state == "ready" else "wait a moment; the supervisor's log says more"
    return Finding("control plane", ok=state.state == "ready", detail=detail, hint=hint)


async def _look_at_services(
    home: Home, state: ControlState
) -> tuple[list[ServiceView], list[Finding]]:
    hosts = [child for child in state.children if child.services]
    seen = await asyncio.gather(*(look.look_at_host(home, child) for child in hosts))
    services = [view for views, _ in seen for view in views]
    findings = [finding for _, finding in seen]
    absent = sorted(set(state.services) - {view.name for view in services})
    if absent:
        detail = f"not started: {', '.join(absent)}"
        findings.append(Finding("services", ok=False, detail=detail, hint="see their logs"))
    return services, findings


def _region(state: ControlState | None) -> str:
    """Return the region in which a launch would be, empty where only --region says."""
    if state is not None and state.sandbox is not None:
        return state.sandbox.region
    env = environment()
    return env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or ""


async def _look_at_cloud(state: ControlState, clock: Clock) -> list[Finding]:
    if state.sandbox is not None:
        return [await look.look_at_clock(state.sandbox.endpoint, clock)]
    if state.mode == "sandbox":
        return []
    env = environment()
    files = look.existing({**judge.CREDENTIAL_FILES, **judge.CONFIG_FILES})
    region = _region(state) or "us-east-1"
    named = env.get("AWS_ENDPOINT_URL_STS") or env.get("AWS_ENDPOINT_URL")
    clock_finding = await look.look_at_clock(named or _STS.format(region=region), clock)
    return [*judge.judge_aws(env, files), clock_finding]
