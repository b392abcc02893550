"""Judging what services say of themselves: values in, findings out."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from spawn.contracts.counts import counted
from spawn.contracts.grants import CollectedGrants
from spawn.contracts.hostnames import RecordCheck
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import CollectReport, LaunchPlan
from spawn.contracts.members import Member, MemberState
from spawn.contracts.ranks import format_ranks
from spawn.errors import Cause, Outcome
from spawn.runtime.doctor.findings import Finding

BOOTS_WITHIN = timedelta(minutes=5)
"""From when EC2 says that a machine runs until its agent has said hello, in the slowest case."""

_OFF = "no-dns"
"""The code by which the DNS service says that it makes no names."""


def judge_replicas(found: Mapping[str, int], wanted: Collection[str]) -> Finding:
    """Say which services answer on the bus, and how many replicas of each."""
    said = ", ".join(f"{name} {found[name]}" for name in sorted(found) if found[name])
    missing = sorted(name for name in wanted if not found.get(name))
    if missing or not said:
        return Finding(
            "replicas",
            ok=False,
            detail=f"nobody answers for {', '.join(missing) or 'any service'}",
            hint="see the log of the process that runs it; it is started again when it ends",
        )
    return Finding("replicas", ok=True, detail=said)


def judge_launcher(report: CollectReport, plan: LaunchPlan | None) -> Finding:
    """Say that the launcher can look up what it needs, and what it has found."""
    places = "" if plan is None else f", {counted(len(plan.pools), 'pool')} in {plan.region}"
    # What is left alone is young, or is just being recorded.
    unclaimed = sum(each.verdict != "leave" for each in report.findings)
    if unclaimed:
        return Finding(
            "launcher",
            ok=False,
            detail=f"no record accounts for {counted(unclaimed, 'machine')}{places}",
            hint="`spawn gc --dry-run` names them, and says what becomes of each",
        )
    return Finding("launcher", ok=True, detail=f"AWS answers, all is accounted for{places}")


def judge_broker(found: CollectedGrants) -> Finding:
    """Say that the broker can look at its roles."""
    roles = counted(len(found.removed) + len(found.kept), "role")
    return Finding("iam_broker", ok=True, detail=f"IAM answers, {roles} under our path")


def judge_names(found: RecordCheck) -> Finding:
    """Say how the zone is; what differs may be on its way."""
    differing = len(found.differences) + found.untold
    detail = f"{counted(found.agreeing, 'record')} of {found.base} ({found.backend}) agree"
    if differing:
        detail += f", {differing} not yet: `spawn dns check` names them"
    return Finding("dns", ok=True, detail=detail)


def judge_no_names(outcome: Outcome) -> Finding:
    """Say why the zone could not be looked at, unless there is meant to be none."""
    if outcome.code == _OFF:
        return Finding("dns", ok=True, detail="machines have no names in this deployment")
    return judge_refusal("dns", outcome)


def judge_refusal(service: str, outcome: Outcome) -> Finding:
    """Say what keeps a service from its work, and what to do about it."""
    if outcome.cause is Cause.PERMISSION:
        hint = f"its whole policy is docs/iam/{service}.json: scripts/service_policy.py {service}"
    else:
        hint = f"docs/errors.md; the log of {service} says more"
    return Finding(service, ok=False, detail=outcome.message, hint=hint)


def silent_ranks(held: Iterable[Member], *, now: datetime) -> tuple[int, ...]:
    """Return the ranks whose machine has run for long and never said hello."""
    return tuple(
        each.rank
        for each in held
        if each.state is MemberState.RUNNING
        and each.instance.state is InstanceState.RUNNING
        and each.facts is None
        and now - each.changed_at > BOOTS_WITHIN
    )


def judge_machines(silent: Mapping[str, tuple[int, ...]]) -> Finding:
    """Say which machines have never been heard of, by the names of their arrays."""
    lost = [f"{name}:{format_ranks(ranks)}" for name, ranks in sorted(silent.items()) if ranks]
    if not lost:
        return Finding("machines", ok=True, detail="every agent that should has said hello")
    return Finding(
        "machines",
        ok=False,
        detail=f"running, and never heard of: {', '.join(lost)}",
        hint="they must reach the bus and S3: look at their console output, at"
        " SPAWN_BUS_ADVERTISE and at what their subnet lets out",
    )
