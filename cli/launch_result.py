"""The end of a launch: the report, the last line, and the exit code."""

from collections.abc import Iterable
from datetime import timedelta

from cli.costs import with_details
from cli.exits import Ended, Exit
from cli.launching import Launching
from cli.lines import format_local, ran_for
from cli.plane import Plane
from cli.progress import Progress
from cli.render import note, put, put_json
from cli.reports import ArrayReport, report_array, report_launch
from cli.specs import in_flags
from cli.verdict import judge
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.members import Member
from spawn.contracts.prices import Estimate


async def conclude(
    plane: Plane, launching: Launching, *, elapsed: timedelta, as_json: bool, judging: bool
) -> None:
    """Say how a launch ended, or, when `judging`, its job; raise `Ended` if not as wanted."""
    if launching.rejection:
        rejection = launching.rejection
        raise Ended(Exit.REJECTED, in_flags(rejection.field, rejection.message))
    array = (await plane.arrays.get(launching.array)).value
    members = await plane.members_of(launching.array)
    report = report_array(array, members)
    if as_json:
        calls = launching.progress.api_calls
        put_json(report_launch(report, elapsed_seconds=elapsed.total_seconds(), api_calls=calls))
    if judging:
        await judge(plane, launching.array)
        return
    _raise_unless_alive(report.name, launching.progress)
    say = note if as_json else put
    cost = await plane.cost_of(launching.array)
    say(last_line(report, array=array, kinds=_kinds(members), elapsed=elapsed, cost=cost))


def _raise_unless_alive(name: str, progress: Progress) -> None:
    if progress.state is not None and (
        progress.state.is_over or progress.state is ArrayState.TERMINATING
    ):
        raise Ended(Exit.FAILED, f"{name} {progress.state}: {progress.reason}")


def last_line(
    report: ArrayReport, *, array: Array, kinds: str, elapsed: timedelta, cost: Estimate | None
) -> str:
    """Say what runs, what it costs, until when, and how to end it now."""
    what = f" ({kinds})" if kinds else ""
    verb = "run" if report.ready else "wait to run"
    count = report.ready or report.size
    return (
        f"{report.name}: {count} of {report.size}{what} {verb} in {report.region}"
        f" after {ran_for(elapsed)}, {with_details(cost)},"
        f" until {format_local(array.lease.until)};"
        f" end it now with: spawn terminate {report.name}"
    )


def _kinds(members: Iterable[Member]) -> str:
    return ", ".join(sorted({f"{m.instance.market} {m.instance.instance_type}" for m in members}))
