"""What will become of an array, in words: by its lease, and because it does not work."""

from datetime import datetime, timedelta

from cli.lines import clean
from spawn.contracts.arrays import Array
from spawn.contracts.durations import format_duration, parse_duration
from spawn.contracts.launches import IdleScope
from spawn.contracts.lease_records import Idleness, LeaseRecord
from spawn.contracts.leases import NO_END, Lease, LeaseAction

_DONE = {
    LeaseAction.TERMINATE: "ended",
    LeaseAction.STOP: "stopped",
    LeaseAction.HIBERNATE: "hibernated",
}


def idle_words(array: Array, idle: Idleness | None, now: datetime) -> str:
    """Write how idle an array is in a few words; empty where that does not count."""
    timeout = array.spec.idle_timeout
    if not timeout:
        return ""
    if idle is None:
        return "not known yet"
    if idle.asked_at is not None:
        return f"was idle: {_DONE[array.spec.idle_action]}"
    if idle.quiet_since is None:
        return clean(f"works: {idle.reason}")
    quiet = min(max(now - idle.quiet_since, timedelta()), parse_duration(timeout))
    return f"quiet for {format_duration(quiet)} of {timeout}"


def what_comes(array: Array, record: LeaseRecord | None, now: datetime) -> list[str]:
    """Write what will become of an array, and when, a line for each reason."""
    if array.state.is_over or array.ending is not None:
        return []
    lease = record.lease if record else array.lease
    lines: list[str] = []
    if lease.until < NO_END:
        lines.append(_at_the_end(array.name, lease, now))
    idle = record.idle if record else None
    words = idle_words(array, idle, now)
    if words:
        lines.append(clean(f"when idle for {array.spec.idle_timeout}: {_then(array)}; {words}"))
    if idle is not None and idle.reason not in words:
        lines[-1] += clean(f" ({idle.reason})")
    return lines


def _at_the_end(name: str, lease: Lease, now: datetime) -> str:
    if lease.is_over(now) and lease.action is not LeaseAction.TERMINATE:
        return f"its lease: over, machines stay off; use them by spawn extend and start {name}"
    left = format_duration(lease.until - now)
    return f"when its lease is over, in {left}: {_DONE[lease.action]}"


def _then(array: Array) -> str:
    each = "each member by itself is " if array.spec.idle_scope is IdleScope.MEMBER else ""
    return f"{each}{_DONE[array.spec.idle_action]}"
