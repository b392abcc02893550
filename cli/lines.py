"""What has happened in words: an event as one line, a launch's progress as a few of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from cli.progress import Progress
from spawn.contracts import events
from spawn.contracts.counts import counted
from spawn.contracts.durations import format_duration
from spawn.contracts.lease_events import LeaseEvent
from spawn.contracts.leases import NO_END
from spawn.contracts.members import MemberState
from spawn.contracts.pools import Pool, Refusal

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_INDENT = " " * len("12:00:00  ")
_STEPS = 4
"""A launch that is not watched on a terminal says at most this often how many run."""


def clean(text: str) -> str:
    """Take out what could move a terminal's cursor or colour what follows."""
    return _CONTROL.sub(" ", text)


def event_line(event: events.Event) -> str:
    """Write an event as people read it: when, about what, what."""
    when = event.time.astimezone().strftime("%H:%M:%S")
    detail = _detail(event.data)
    return clean(f"{when}  {event.ce_subject}  {event.name}{f'  {detail}' if detail else ''}")


def _detail(data: events.Data) -> str:
    match data:
        case events.InstanceEvent(instance=instance, reason=reason):
            place = f"{instance.id} {instance.market} {instance.instance_type} {instance.zone}"
            return f"{place}{_because(reason)}"
        case events.ArrayAccepted(size=size, lease=lease):
            return f"{counted(size, 'member')}, until {format_local(lease.until)}"
        case events.ArrayRejected(message=message) | events.LeaseRefused(message=message):
            return message
        case events.ArrayLaunching(pools=pools, reason=reason):
            return f"{format_pools(pools)}{_because(reason)}" if pools else reason
        case events.ArrayReady(size=size, ready=ready, seconds=seconds):
            return f"{ready} of {size} after {seconds:.1f} s"
        case _:
            return _outcome(data) or _notice(data) or str(getattr(data, "reason", ""))


def _outcome(data: events.Data) -> str:
    match data:
        case events.HostnameRegistered(names=names) | events.HostnameRemoved(names=names):
            return _format_names(names)
        case events.MemberExited(exit_code=code):
            return f"exited with {code}"
        case LeaseEvent(lease=lease, reason=reason):
            return f"until {format_local(lease.until)}{_because(reason)}"
        case events.ArrayFinished(succeeded=succeeded, failed_ranks=ranks):
            return "succeeded" if succeeded else f"failed: ranks {ranks}"
        case _:
            return ""


def _notice(data: events.Data) -> str:
    match data:
        case events.NoticeInterruption(instance_id=instance_id, action=action, until=until):
            return f"{instance_id}: {action} at {format_local(until)}"
        case events.NoticeRebalance(instance_id=instance_id):
            return f"{instance_id}: likelier to be interrupted"
        case events.NoticeMaintenance(instance_id=instance_id, code=code, until=until):
            when = f", from {format_local(until)}" if until else ""
            return f"{instance_id}: {code}{when}"
        case _:
            return _checkpoint(data)


def _checkpoint(data: events.Data) -> str:
    match data:
        case events.CheckpointStarted(cause=cause):
            return f"for {cause}" if cause else ""
        case events.CheckpointFinished(seconds=seconds):
            return f"after {seconds:.1f} s"
        case events.CheckpointFailed(seconds=seconds, reason=reason):
            return f"after {seconds:.1f} s{_because(reason)}"
        case events.CheckpointWarned(reason=reason):
            return reason
        case _:
            return ""


def _format_names(names: Sequence[str]) -> str:
    """Write the first name, a group's own where it is among them, and how many more there are."""
    rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{rest}" if names else ""


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def format_local(instant: datetime) -> str:
    """Write an instant in the local time zone and in UTC."""
    if instant >= NO_END:
        return "further notice"
    local, utc = instant.astimezone(), instant.astimezone(UTC)
    if local.utcoffset() == utc.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({utc:%H:%M:%S} UTC)"


def format_counts(counts: Mapping[MemberState, int]) -> str:
    """Write members by state, e.g. `2 pending, 6 running`."""
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def format_pools(pools: Iterable[Pool]) -> str:
    """Write pools in order, the zones of a type together: `on-demand t3.medium (a, b)`."""
    kinds = groupby(pools, key=lambda pool: f"{pool.market} {pool.instance_type}")
    return ", ".join(f"{kind} ({', '.join(pool.zone for pool in same)})" for kind, same in kinds)


def refusal_lines(refusals: Iterable[Refusal]) -> list[str]:
    """Write what each pool answered, one line a pool."""
    return [
        clean(
            f"{refusal.pool}: {refusal.code}"
            f" ({refusal.launched} of {refusal.asked}): {_first_sentence(refusal.message)}"
        )
        for refusal in refusals
    ]


def _first_sentence(text: str) -> str:
    """Leave out the advice that EC2 adds to every answer; the event has it."""
    return text.split(". ", 1)[0].removesuffix(".")


def ran_for(duration: timedelta) -> str:
    """Write how long something took: tenths of seconds while it is short."""
    seconds = duration.total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else format_duration(duration)  # noqa: PLR2004 - a minute


class Narrator:
    """Tells a launch or an ending in lines, for where no display can be redrawn."""

    def __init__(self) -> None:
        self._told = -1
        self._refusals: set[str] = set()

    def tell(self, event: events.Event, progress: Progress) -> list[str]:
        """Return the lines that this event is worth, `progress` being what it led to."""
        match event.data:
            case events.ArrayLaunching(refusals=refusals) if refusals:
                return self._refuse(refusals)
            # The command's last word says why, with every pool.
            case events.ArrayFailed(refusals=refusals):
                return self._refuse(refusals)
            case events.InstanceRunning() | events.InstanceTerminated():
                return self._count(progress)
            case events.InstanceEvent() | events.MemberReady() | events.MemberExited(exit_code=0):
                return []
            case _:
                return [event_line(event)]

    def _refuse(self, refusals: Iterable[Refusal]) -> list[str]:
        """Say what a pool answered, once."""
        new = [line for line in refusal_lines(refusals) if line not in self._refusals]
        self._refusals.update(new)
        return [f"{_INDENT}{line}" for line in new]

    def _count(self, progress: Progress) -> list[str]:
        """Say how the members are, each time that another part of them has got there."""
        done = progress.gone if progress.is_ending else progress.present
        step = max(1, progress.size // _STEPS)
        if done // step == self._told // step and done != progress.size:
            return []
        self._told = done
        return [f"{_INDENT}{format_counts(progress.counts)}"]
