"""`spawn launch`: make an array, and watch it until it runs."""

import asyncio
import secrets
from datetime import timedelta
from typing import Annotated, Any

import msgspec
import typer

from cli import launch_flags as flags
from cli.display import displayed
from cli.exits import Ended, Exit
from cli.flags import JsonFlag, TimeoutFlag, parse_flag_duration
from cli.following import is_accepted, is_ready, where_it_stands
from cli.launch_plan import show_plan
from cli.launch_result import conclude
from cli.launching import Launching
from cli.names import readable_name
from cli.places import limits_around, region_around
from cli.plane import Plane, open_plane, within
from cli.specs import in_flags, make_spec, parse_tags, split_lists
from spawn.bus.beside import beside
from spawn.contracts.checks import check_spec
from spawn.contracts.ids import array_id, check_request_id
from spawn.contracts.launches import LOCAL_OWNER, NOT_AFTER, Launch, LaunchSpec
from spawn.errors import Rejected, Transient


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A launch as the command line asks for it."""

    spec: LaunchSpec
    request_id: str
    wait: bool
    timeout: timedelta | None
    as_json: bool


class Attempt:
    """What has become of an order, for whoever interrupts it."""

    launching: Launching | None = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("launch")(launch)


def launch(  # noqa: PLR0913 - a parameter for each flag
    *,
    count: flags.Count = None,
    name: flags.Name = "",
    instance_type: flags.InstanceType = None,
    zone: flags.Zone = None,
    ami: flags.Ami = "",
    subnet: flags.Subnet = None,
    security_group: flags.SecurityGroup = None,
    ssh_cidr: flags.SshCidr = "",
    key_name: flags.KeyName = "",
    tag: flags.Tag = None,
    ttl: flags.Ttl = "",
    user_data: flags.UserData = "",
    region: flags.Region = "",
    min_count: flags.MinCount = None,
    request_id: flags.RequestId = "",
    file: flags.SpecFile = None,
    wait_for: Annotated[flags.WaitFor, typer.Option(help="What to wait for.")] = (
        flags.WaitFor.RUNNING
    ),
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return once accepted.")] = False,
    timeout: TimeoutFlag = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; do nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Launch an instance or an array of them."""
    _ = wait_for
    request_id = request_id or secrets.token_hex(8)
    patience = parse_flag_duration("--timeout", timeout)
    given: dict[str, Any] = {
        "name": name,
        "count": count,
        "min_count": min_count,
        "region": region,
        "instance_types": split_lists(instance_type or ()),
        "zones": split_lists(zone or ()),
        "ami": ami,
        "subnets": split_lists(subnet or ()),
        "security_groups": split_lists(security_group or ()),
        "ssh_cidr": ssh_cidr,
        "key_name": key_name,
        "tags": parse_tags(tag or ()),
        "ttl": ttl,
        "user_data": flags.read_text("--user-data", user_data),
    }
    order = Order(
        spec=_checked(flags.read_spec_file(file), given, request_id),
        request_id=request_id,
        wait=not no_wait,
        timeout=patience,
        as_json=as_json,
    )
    if dry_run:
        asyncio.run(show_plan(order.spec, as_json=as_json))
    else:
        _carry_out(order)


def _checked(file: dict[str, Any], given: dict[str, Any], request_id: str) -> LaunchSpec:
    """Make the spec and check it as the launcher will, before anything is sent."""
    file.setdefault("name", readable_name(request_id))
    parse_flag_duration("--ttl", given["ttl"])
    if given["min_count"] == 0:  # which stands for all of them in a spec
        raise Ended(Exit.REJECTED, "--min-count '0': use 1 to the count")
    try:
        check_request_id(request_id)
        spec = make_spec(file=file, flags=given, region=region_around)
        return check_spec(spec, limits_around())
    except Rejected as error:
        raise Ended(Exit.REJECTED, in_flags(error.field, error.message)) from error


def _carry_out(order: Order) -> None:
    attempt = Attempt()
    try:
        asyncio.run(_launch(order, attempt))
    except KeyboardInterrupt as error:
        raise _detached(attempt) from error


def _detached(attempt: Attempt) -> Ended:
    if attempt.launching is None:
        return Ended(Exit.DETACHED, "interrupted before anything was sent")
    return _left_alone(attempt.launching, Exit.DETACHED, "detached")


def _left_alone(launching: Launching, code: Exit, why: str) -> Ended:
    """Say why nobody watches the launch any more, and what becomes of it."""
    if not launching.is_sent:
        return Ended(code, f"{why}: nothing was sent")
    array = launching.array
    return Ended(
        code,
        f"{why}: {where_it_stands(array, launching.progress)} and goes on;"
        f" follow it with: spawn events {array} -f; end it with: spawn terminate {array}",
    )


async def _launch(order: Order, attempt: Attempt) -> None:
    async with open_plane() as plane:
        began = plane.clock.monotonic()
        launching = await _begin(plane, order, attempt)
        elapsed = timedelta(seconds=plane.clock.monotonic() - began)
        await conclude(plane, launching, elapsed=elapsed, as_json=order.as_json)


async def _begin(plane: Plane, order: Order, attempt: Attempt) -> Launching:
    """Send the launch and follow it as far as was asked."""
    named = array_id(
        deployment=await plane.deployment(),
        owner=LOCAL_OWNER,
        request_id=order.request_id,
        name=order.spec.name,
    )
    request = Launch(
        request_id=order.request_id, spec=order.spec, not_after=plane.clock.now() + NOT_AFTER
    )
    with displayed(order.spec.name, plane.clock) as display:
        launching = attempt.launching = Launching(plane, request, named, display)
        try:
            async with within(order.timeout):
                await _follow(plane, launching, order)
        except TimeoutError as error:
            raise _left_alone(launching, Exit.TIMED_OUT, "--timeout is over") from error
        except Transient as error:
            raise _left_alone(launching, Exit.UNREACHABLE, error.message) from error
    return launching


async def _follow(plane: Plane, launching: Launching, order: Order) -> None:
    async with beside(launching.warn_unheard(plane)):
        await launching.until(is_ready if order.wait else is_accepted)
