"""`spawn launch --dry-run`: what a launch would do."""

from datetime import timedelta

from cli.costs import with_details
from cli.exits import Ended, Exit
from cli.lines import format_local
from cli.plane import open_plane
from cli.render import note, put, put_json, put_table
from cli.specs import in_flags
from spawn.contracts.counts import counted
from spawn.contracts.durations import format_duration
from spawn.contracts.launches import API_PLAN, LaunchPlan, LaunchSpec
from spawn.contracts.leases import Lease
from spawn.errors import Rejected

_SLOW = timedelta(seconds=10)
"""From here on it is worth saying how long EC2's rate holds a launch up."""


async def show_plan(spec: LaunchSpec, *, as_json: bool) -> None:
    """Ask the launcher for its plan and show it."""
    async with open_plane() as plane:
        try:
            plan = await plane.requests.ask(API_PLAN, spec, LaunchPlan)
        except Rejected as error:
            raise Ended(Exit.REJECTED, in_flags(error.field, error.message)) from error
    if as_json:
        put_json(plan)
        return
    for line in describe(plan):
        put(line)
    put_table(
        ("call", "ranks", "pool"),
        ((number, chunk.ranks, chunk.pool) for number, chunk in enumerate(plan.chunks, 1)),
    )
    put_table(("tried", "pool"), enumerate(plan.pools, 1))
    note("nothing was launched")


def describe(plan: LaunchPlan) -> list[str]:
    """Write what stands above the tables."""
    calls = ", ".join(f"{count} {api}" for api, count in plan.calls.items())
    expected = timedelta(seconds=plan.expected_seconds)
    slowly = f", {format_duration(expected)} at EC2's rate" if expected >= _SLOW else ""
    size = counted(plan.size, "member")
    allowed = [f"may: {each}" for each in plan.permissions]
    return [
        f"{plan.name}: {size}, {plan.min_count} at least, in {plan.region}",
        f"image {plan.image_id}, user-data {plan.user_data_bytes} bytes",
        with_details(plan.cost),
        f"until {format_local(plan.lease.until)}, then {plan.lease.action}{_limited(plan.lease)}",
        f"calls: {calls}{slowly}",
        *allowed,
    ]


def _limited(lease: Lease) -> str:
    """Say what the lease has been shortened to, or how far it may be extended."""
    budget = lease.budget
    if budget is None:
        return ""
    return f"; {budget.usd:.2f} USD may be spent at {format_local(budget.spent_at)}"
