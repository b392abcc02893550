"""`spawn sandbox`: look at the laptop cloud, and make it misbehave."""

import shlex
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli import cloud
from cli.cloud import Cloud, find_facts
from cli.commands.sandbox_market import price, score
from cli.commands.sandbox_spot import interrupt, notices, rebalance
from cli.flags import JsonFlag
from cli.render import note, put, put_json, put_table
from spawn.contracts.counts import counted
from spawn.runtime.home import locate, running
from spawn.runtime.settings import environment
from spawn.runtime.supervisor.specs import aws_exports

_OVERRIDES = ("AWS_PROFILE", "AWS_SESSION_TOKEN")
"""What AWS clients prefer to, or send beside, the keys that `env` exports."""

Service = Annotated[str, typer.Option("--service", help="The AWS service; * is any.")]


class Kind(StrEnum):
    """How a call fails."""

    ERROR = "error"
    LOST_REPLY = "lost-reply"
    HANG = "hang"


class Switch(StrEnum):
    """Whether something counts."""

    ON = "on"
    OFF = "off"


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        name="sandbox",
        help="Look at the laptop cloud, and make it misbehave.",
        no_args_is_help=True,
    )
    for command in (
        env,
        state,
        capacity,
        fault,
        throttle,
        latency,
        propagation,
        enforcement,
        price,
        score,
        interrupt,
        rebalance,
        notices,
        reset,
    ):
        group.command(command.__name__)(command)
    app.add_typer(group)


def env(*, as_json: JsonFlag = False) -> None:
    """Print variables for AWS clients, bus observers and dig: eval "$(spawn sandbox env)"."""
    facts = find_facts()
    home = locate()
    control = running(home)
    who = home.creds("observer").read_text().strip()
    where = control.bus_url.removeprefix("nats://") if control else ""
    values = {
        **aws_exports(facts),
        "SPAWN_NATS_URL": f"nats://{who}@{where}",
        "SPAWN_SANDBOX_DNS_PORT": str(facts.dns_port),
    }
    if as_json:
        put_json(values)
        return
    for name, value in values.items():
        put(f"export {name}={shlex.quote(value)}")
    for name in sorted(environment().keys() & set(_OVERRIDES)):
        note(f"{name} is set and AWS clients heed it: unset {name}")


def state(*, as_json: JsonFlag = False) -> None:
    """Show what it holds: instances, calls, limits, faults."""
    seen = Cloud(find_facts()).state()
    if as_json:
        put_json(seen)
        return
    rows = [
        (region, what, name, count)
        for region, view in seen["regions"].items()
        for what in ("instances", "calls", "throttled")
        for name, count in sorted(view[what].items())
        if count
    ]
    put_table(("region", "what", "of", "count"), rows)
    for pool in seen["pools"]:
        note(f"free in {pool['market']} {pool['instance_type']} {pool['zone']}: {pool['free']}")
    for waiting in seen["faults"]:
        note(f"fault on {waiting['api']}: {waiting['kind']} {waiting['code']}, {_times(waiting)}")
    note(f"throttling is {'on' if seen['throttling'] else 'off'}")
    note(f"users and roles may do {'what' if seen['enforcing'] else 'more than'} policies allow")


def capacity(
    free: Annotated[str, typer.Argument(help="Further instances per pool, or unlimited.")],
    *,
    market: Annotated[str, typer.Option(help="on-demand, spot, or * for any.")] = "*",
    instance_type: Annotated[str, typer.Option(help="One type, or * for any.")] = "*",
    zone: Annotated[str, typer.Option(help="One zone, or * for any.")] = "*",
) -> None:
    """Set how many more instances the pools that match have room for."""
    body = cloud.capacity(free, market=market, instance_type=instance_type, zone=zone)
    _set("capacity", body, said=f"free in {market} {instance_type} {zone}: {free}")


def fault(  # noqa: PLR0913 - a parameter for each flag
    api: Annotated[str, typer.Argument(help="For example RunInstances.")],
    code: Annotated[str, typer.Argument(help="EC2's error code.")] = "InternalError",
    *,
    times: Annotated[int, typer.Option(help="How many calls fail.")] = 1,
    kind: Annotated[
        Kind, typer.Option(help="lost-reply performs the call and answers nothing.")
    ] = Kind.ERROR,
    status: Annotated[int | None, typer.Option(help="HTTP status; by code when unset.")] = None,
    message: Annotated[str, typer.Option(help="The error's text.")] = "",
    region: Annotated[str, typer.Option(help="Only in this region.")] = "",
    service: Service = "ec2",
) -> None:
    """Make the next calls of an API fail."""
    body = cloud.fault(code, status=status, message=message)
    body |= {"api": api, "kind": kind.value, "count": times, "service": service}
    body |= {"region": region} if region else {}
    _set(
        "fault", body, said=f"the next {counted(times, 'call')} of {api} fail: {kind.value} {code}"
    )


def throttle(
    rules: Annotated[
        list[str], typer.Argument(help="on, off, API=BURST/PER_SECOND[,…] or API=unlimited.")
    ],
    *,
    service: Service = "ec2",
) -> None:
    """Switch throttling, or give an API other buckets: of requests, then of resources."""
    _set("throttle", cloud.throttle(rules, service=service), said=f"throttle: {' '.join(rules)}")


def latency(
    seconds: Annotated[str, typer.Argument(help="Seconds, LOW-HIGH, or off.")],
    *,
    api: Annotated[str, typer.Option(help="One API, or * for any.")] = "*",
    service: Service = "*",
) -> None:
    """Add time before calls are performed."""
    body = {"delay": cloud.delay(seconds), "api": api, "service": service}
    _set("latency", body, said=f"latency of {api}: {seconds}")


def propagation(
    seconds: Annotated[str, typer.Argument(help="Seconds, LOW-HIGH, or off.")],
) -> None:
    """Set for how long EC2 does not know a new instance profile, or its role."""
    body = {"profile_propagation": cloud.delay(seconds)}
    _set("lifecycle", body, said=f"EC2 knows a new instance profile after: {seconds}")


def enforcement(
    switch: Annotated[Switch, typer.Argument(help="Whether policies count.")],
) -> None:
    """Hold users and roles to their policies, or let them do everything."""
    _set("enforcement", {"enabled": switch is Switch.ON}, said=f"enforcement: {switch.value}")


def reset() -> None:
    """Behave as at the start: nothing full, nothing failing, throttled as documented."""
    _set("reset-behaviour", {}, said="the laptop cloud behaves as at its start")


def _set(section: str, body: dict[str, Any], *, said: str) -> None:
    Cloud(find_facts()).set(section, body)
    note(said)


def _times(waiting: dict[str, Any]) -> str:
    return "once more" if waiting["count"] == 1 else f"{waiting['count']} times more"
