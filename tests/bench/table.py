"""The findings as Markdown tables, readable on a terminal, too."""

from collections.abc import Iterable, Sequence
from statistics import median

from tests.bench.results import (
    Burst,
    Costs,
    Ensured,
    Jobs,
    Large,
    Leases,
    Names,
    Other,
    Rate,
    Report,
    Size,
    Storm,
)

Row = Sequence[str]


def render(report: Report) -> str:
    """Write everything down."""
    parts = (
        _where(report),
        _table(_SIZES_HEAD, map(_size, report.sizes)),
        _ways(report),
        _many(report),
        _table(("on the bus", "nats-py /s", "spawn /s", "µs CPU", "µs CPU"), _bus(report.bus)),
        _jobs(report.jobs) if report.jobs else "",
        _burst(report.burst) if report.burst else "",
        _storm(report.jobs.storm) if report.jobs and report.jobs.storm else "",
        _table(("a grant is", "ms", "calls of IAM", "which"), map(_ensured, report.grants)),
        _starts(report),
        _large(report.large) if report.large else "",
        _table(_NAMES_HEAD, map(_names, report.names)) if report.names else "",
        _table(_LEASES_HEAD, map(_leases, report.leases)) if report.leases else "",
    )
    return "\n\n".join(part for part in parts if part)


_SIZES_HEAD = (
    "members",
    "ready s",
    "bare script s",
    "overhead s",
    "RunInstances",
    "all calls",
    "throttled",
    "KV writes / member",
    "events / member",
    "loop stall ms",
    "of it ours ms",
    "CPU s",
)


_NAMES_HEAD = ("names of members", "members", "changes", "all calls", "throttled", "s")


_LEASES_HEAD = (
    "leases that end",
    "leases",
    "earliest s",
    "p50 s late",
    "p99 s late",
    "at most",
    "service MiB before",
    "with all",
    "asyncio timers MiB",
)


def _leases(leases: Leases) -> Row:
    late = (leases.earliest, leases.median, leases.p99, leases.latest)
    memory = (leases.memory_before, leases.memory_with_all, leases.heap)
    return (
        leases.what,
        str(leases.leases),
        *(f"{each:.2f}" for each in late),
        *(f"{each:.0f}" for each in memory),
    )


def _names(names: Names) -> Row:
    return (
        names.what,
        str(names.members),
        str(names.changes),
        str(names.calls),
        str(names.throttled),
        f"{names.seconds:.1f}",
    )


def _where(report: Report) -> str:
    here = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in here.versions.items())
    return (
        f"{here.cores} cores ({here.processor}), {here.memory_gib:g} GiB, {here.system}, Python"
        f" {here.python}, {versions}; load average {here.load[0]:g} before,"
        f" {here.load[1]:g} after; medians of {report.runs}."
        " Instances take 2 s to boot; EC2's documented throttles."
    )


def _size(size: Size) -> Row:
    calls = size.spawn[-1].calls
    return (
        str(size.size),
        f"{size.ready:.2f}",
        f"{size.bare_ready:.2f}",
        f"{size.overhead:.2f}",
        str(calls.get("RunInstances", 0)),
        str(sum(calls.values())),
        str(max(each.throttled for each in size.spawn)),
        f"{size.member_writes:.2f}",
        f"{size.events:.2f}",
        f"{1000 * size.stall:.0f}",
        f"{1000 * min(size.held, size.stall):.0f}",
        f"{median(map(_control_cpu, size.spawn)):.2f}",
    )


def _control_cpu(costs: Costs) -> float:
    return sum(used for name, used in costs.cpu.items() if name != "sandbox")


def _ways(report: Report) -> str:
    head = ("launched as", "members", "ready s", "RunInstances", "CreateTags", "throttled")
    ours = (
        ("spawn", str(each.size), f"{each.ready:.2f}", *_calls(each.spawn[-1].calls),
         str(each.spawn[-1].throttled))
        for each in report.sizes
    )  # fmt: skip
    return _table(head, (*ours, *map(_other, report.others)))


def _other(other: Other) -> Row:
    took = f"{other.seconds:.2f}" if other.seconds is not None else _never(other)
    return (other.way, str(other.size), took, *_calls(other.calls), str(other.throttled))


def _never(other: Other) -> str:
    failed = "".join(f", {number} {code}" for code, number in other.failed.items())
    return f"never ({other.running} of {other.size}{failed})"


def _calls(calls: dict[str, int]) -> Row:
    return (str(calls.get("RunInstances", 0)), str(calls.get("CreateTags", 0)))


def _many(report: Report) -> str:
    crowd, beside = report.crowd, report.beside
    said = (
        f"{crowd.arrays} arrays of {crowd.size} at once: {crowd.ready} ready after"
        f" {crowd.seconds:.1f} s (median {crowd.median:.1f} s; EC2's request bucket alone takes"
        f" {crowd.fastest_possible:.1f} s), {crowd.calls.get('RunInstances', 0)} RunInstances,"
        f" {crowd.calls.get('DescribeInstances', 0)} DescribeInstances,"
        f" {crowd.throttled} throttled."
    )
    if beside is None:
        return said
    return (
        f"{said}\n\nAn array of 1: alone ready after {beside.alone:.2f} s; launched with one of"
        f" {beside.large} (ready after {beside.large_seconds:.2f} s) after {beside.at_once:.2f} s,"
        f" launched 2 s later after {beside.later:.2f} s."
    )


def _bus(rates: Iterable[Rate]) -> Iterable[Row]:
    rows: dict[str, dict[bool, Rate]] = {}
    for each in rates:
        rows.setdefault(each.what, {})[each.ours] = each
    for what, by in rows.items():
        pair = (by.get(False), by.get(True))
        yield (
            what,
            *(f"{each.per_second:.0f}" if each else "-" for each in pair),
            *(f"{each.cpu_microseconds:.0f}" if each else "-" for each in pair),
        )


def _jobs(jobs: Jobs) -> str:
    met, proved, printed = jobs.rendezvous, jobs.proofs, jobs.output
    rows = (
        (
            f"{met.members} hollow members: the last one starts, until all know all",
            f"{met.after_start:.1f} s",
            "10 s",
        ),
        (
            f"{proved.machines} machines boot together and prove who they are",
            f"{proved.seconds:.1f} s, {proved.verifications:.2f} verifications each",
            "15 s, 1.1",
        ),
        (
            f"{printed.lines} lines of a job, from its write to `spawn logs`",
            f"{printed.per_second:.0f} lines/s (nats-py alone {printed.ceiling:.0f})",
            "at least 20000",
        ),
    )
    return _table(("machines", "found", "limit"), rows)


def _storm(storm: Storm) -> str:
    return (
        f"{storm.lost} of {storm.members} spot members are taken back within 5 s:"
        f" {storm.checkpoints} checkpoints, {storm.successors} successors by {storm.calls} calls"
        f" (limit 8), each {storm.median:.1f} s after its notice, {storm.longest:.1f} s at most."
    )


def _burst(burst: Burst) -> str:
    warned = burst.arrays * burst.size
    return (
        f"{warned} warnings at once, over {burst.arrays} arrays of {burst.size}: sent within"
        f" {burst.sent:.1f} s, all machines told after {burst.told:.1f} s (limit 5 s),"
        f" {burst.events} events, {burst.doubled} doubled."
    )


def _ensured(ensured: Ensured) -> Row:
    which = ", ".join(
        name if number == 1 else f"{number} {name}" for name, number in ensured.calls.items()
    )
    spent = f"{1000 * median(ensured.seconds):.0f}"
    return (ensured.what, spent, str(sum(ensured.calls.values())), which or "-")


def _starts(report: Report) -> str:
    started, memory = report.startup, report.memory
    idle, loaded = sum(memory.idle.values()), sum(memory.loaded.values())
    return (
        f"`spawn --help` {median(started.help):.2f} s; `spawn up --sandbox` to ready"
        f" {median(started.up):.1f} s; `spawn launch` of 1, process start included,"
        f" {median(started.launch):.2f} s. Memory of the control plane: {idle:.0f} MiB idle"
        f" ({_named(memory.idle)}), {loaded:.0f} MiB after {memory.members} members"
        f" ({_named(memory.loaded)}); {100 * memory.idle_cpu:.1f} % of a core when all is over."
    )


def _large(large: Large) -> str:
    costs = large.costs
    return (
        f"{large.size} members without throttles: ready after {costs.seconds:.1f} s, ended after"
        f" {large.ending:.1f} s, loop stall {1000 * costs.stall:.0f} ms"
        f" (at most {1000 * min(costs.held, costs.stall):.0f} ms of it our own work),"
        f" CPU {_control_cpu(costs):.1f} s (cloud {costs.cpu.get('sandbox', 0.0):.1f} s),"
        f" memory {_named(large.memory)} MiB."
    )


def _named(memory: dict[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in memory.items())


def _table(head: Row, rows: Iterable[Row]) -> str:
    body = [head, *rows]
    widths = [max(len(row[at]) for row in body) for at in range(len(head))]
    lines = [_line(row, widths) for row in body]
    rule = "|".join(["", *("-" * (width + 2) for width in widths), ""])
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(row: Row, widths: Sequence[int]) -> str:
    return f"| {' | '.join(text.ljust(width) for text, width in zip(row, widths, strict=True))} |"
