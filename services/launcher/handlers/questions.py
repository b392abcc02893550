"""Questions: what a launch would do, and what the orphan sweep finds."""

import msgspec

from services.launcher.apply.budgets import find_budget
from services.launcher.apply.places import look_up_places
from services.launcher.apply.prices import appraise
from services.launcher.handlers.commands import check_reachable, check_runnable, terms
from services.launcher.handlers.costs import cost_of_plan
from services.launcher.handlers.looking_up import expected_time
from services.launcher.handlers.observe import regions
from services.launcher.handlers.sweep import survey_all
from services.launcher.plan.acceptance import preview
from services.launcher.plan.budgets import within
from services.launcher.plan.ladder import first_chunks, rehearsal
from services.launcher.plan.permissions import check_permissions, grant_request
from services.launcher.plan.placement import plan_placement
from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.arrays import Placement
from spawn.contracts.checks import check_spec
from spawn.contracts.grants import API_DESCRIBE, GrantDescription
from spawn.contracts.launches import (
    CollectReport,
    CollectRequest,
    LaunchPlan,
    LaunchSpec,
)
from spawn.errors import Transient
from spawn.permissions.implied import with_implied
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def on_plan(request: Request[LaunchSpec], world: World) -> LaunchPlan:
    """Say what a launch would do; raise `Rejected` naming the field that rules it out."""
    granted = terms(world)
    spec = check_spec(request.body, granted.limits)
    check_permissions(spec)
    check_reachable(world)
    check_runnable(world, spec)
    places = await look_up_places(world, spec, only_look=True)
    placement = plan_placement(spec, await appraise(world, spec, places))
    await _rehearse(world, spec, placement)
    chunks = first_chunks(spec, size=world.settings.chunk_size)
    expected = expected_time(world, spec.region, chunks)
    plan = preview(
        spec, placement, chunks, expected=expected, now=world.clock.now(), terms=granted
    )
    cost = await cost_of_plan(world, plan)
    lease = within(plan.lease, await find_budget(world, spec, placement, chunks))
    plan = msgspec.structs.replace(plan, cost=cost, hourly_usd=cost.hourly_usd, lease=lease)
    if with_implied(spec).is_empty:
        return plan
    described = await world.requests.ask(API_DESCRIBE, grant_request(spec), GrantDescription)
    return msgspec.structs.replace(
        plan, permissions=described.statements, warnings=described.warnings
    )


async def _rehearse(world: World, spec: LaunchSpec, placement: Placement) -> None:
    """Raise `Rejected` when EC2 would not take the call, or not from us."""
    request = rehearsal(spec, placement, deployment=world.deployment)
    try:
        await world.aws.ec2(spec.region).rehearse(request)
    except Transient as outcome:
        # A launch would wait, or go on to the next pool.
        _log.info("not rehearsed", code=outcome.code, why=outcome.message)


async def on_collect(request: Request[CollectRequest], world: World) -> CollectReport:
    """Run the orphan sweep now over every region, or say what it would do."""
    await world.fleet.known()
    act = not request.body.dry_run
    findings = [
        finding
        for region in sorted(regions(world))
        for finding in await survey_all(world, region, act=act)
    ]
    return CollectReport(findings=tuple(findings), acted=act)
