"""Table of contents: what the launcher hears, answers and keeps doing."""

from datetime import timedelta

from services.launcher.adapters import open_world
from services.launcher.config import Settings
from services.launcher.handlers.checkpoints import on_checkpoint
from services.launcher.handlers.cloud import on_cloud
from services.launcher.handlers.commands import on_buried_launch, on_launch, on_terminate
from services.launcher.handlers.costs import on_cost
from services.launcher.handlers.drive import drive_arrays
from services.launcher.handlers.expiry import on_expire
from services.launcher.handlers.hints import look_at_hinted, on_look
from services.launcher.handlers.mirror import (
    mirror_arrays,
    mirror_hostnames,
    mirror_leases,
    mirror_members,
    mirror_notices,
)
from services.launcher.handlers.observe import observe_regions
from services.launcher.handlers.power import on_power
from services.launcher.handlers.questions import on_collect, on_plan
from services.launcher.handlers.rendezvous import (
    answer_peers,
    on_assignment,
    on_exec,
    on_report,
    on_roster,
)
from services.launcher.handlers.spending import measure_costs
from services.launcher.handlers.upkeep import measure, purge, share_limits
from services.launcher.ports import World
from spawn.contracts.assignments import Ask, ExecRequest, RosterRequest
from spawn.contracts.checkpoints import CheckpointRequest
from spawn.contracts.clouds import CloudRequest
from spawn.contracts.launches import CollectRequest, Launch, LaunchSpec, Terminate
from spawn.contracts.lease_records import Expire
from spawn.contracts.notices import Look
from spawn.contracts.power import Power
from spawn.contracts.prices import CostRequest
from spawn.contracts.reports import REPORTS
from spawn.runtime.service import (
    EndpointRoute,
    Service,
    background,
    command,
    endpoint,
    every,
    reported,
)

HEARD = {
    kind: REPORTS[kind]
    for kind in (
        "hello",
        "job.exited",
        "boot.failed",
        "checkpoint.warned",
        "checkpoint.started",
        "checkpoint.finished",
        "checkpoint.failed",
    )
}
"""Reports that change a record; the others are for whoever wants to know."""

SERVICE: Service[Settings, World] = Service(
    name="launcher",
    settings=Settings,
    open=open_world,
    routes=(
        command("launch", Launch, on_launch, on_buried=on_buried_launch),
        command("terminate", Terminate, on_terminate),
        command("expire", Expire, on_expire),
        command("power", Power, on_power),
        command("look", Look, on_look),
        reported(HEARD, on_report, name="reports"),
    ),
    endpoints=(
        endpoint("plan", LaunchSpec, on_plan),
        endpoint("collect", CollectRequest, on_collect),
        endpoint("cloud", CloudRequest, on_cloud),
        endpoint("cost", CostRequest, on_cost),
        endpoint("assignment.*.*", Ask, on_assignment),
        EndpointRoute(verb="peers.*.*", answer=answer_peers),
        endpoint("roster", RosterRequest, on_roster),
        endpoint("exec", ExecRequest, on_exec),
        endpoint("checkpoint", CheckpointRequest, on_checkpoint),
    ),
    background=(
        background(mirror_arrays, name="mirror arrays"),
        background(mirror_members, name="mirror members"),
        background(mirror_hostnames, name="mirror hostnames"),
        background(mirror_leases, name="mirror leases"),
        background(mirror_notices, name="mirror notices"),
        background(drive_arrays, name="drive arrays"),
        background(observe_regions, name="observe regions"),
        background(look_at_hinted, name="look at what is hinted at"),
    ),
    timers=(
        every(timedelta(minutes=1), purge, name="purge"),
        every(timedelta(seconds=5), share_limits, name="share limits"),
        every(timedelta(seconds=5), measure, name="measure"),
        every(timedelta(seconds=15), measure_costs, name="measure costs"),
    ),
)
