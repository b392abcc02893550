"""`spawn launch`: make an array, and watch it until it runs, or until its job has ended."""

import asyncio
import secrets
from typing import Annotated, Any

import typer

from cli import checkpoint_flags as checkpoint
from cli import launch_checkpoint, launch_spot, replacement_flags, spot_flags
from cli import launch_flags as flags
from cli.exits import Ended, Exit, Usage
from cli.flags import JsonFlag, TimeoutFlag, parse_flag_duration
from cli.launch_order import Order, carry_out
from cli.launch_permissions import review
from cli.launch_plan import show_plan
from cli.names import readable_name
from cli.places import limits_around, region_around
from cli.specs import (
    in_flags,
    make_spec,
    parse_compat,
    parse_environment,
    parse_tags,
    settle_on_complete,
    split_lists,
)
from spawn.contracts.checks import check_spec
from spawn.contracts.ids import check_request_id
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected


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
    no_ttl: flags.NoTtl = False,
    on_expire: flags.OnExpire = None,
    hibernate: flags.Hibernate = False,
    idle_timeout: flags.IdleTimeout = "",
    idle_action: flags.IdleAction = None,
    idle_scope: flags.IdleScope = None,
    user_data: flags.UserData = "",
    command: flags.Command = "",
    env: flags.Env = None,
    env_compat: flags.EnvCompat = None,
    login_user: flags.LoginUser = "",
    on_complete: flags.OnComplete = None,
    keep: flags.Keep = False,
    max_runtime: flags.MaxRuntime = "",
    retries: flags.Retries = None,
    on_member_failure: flags.OnMemberFailure = None,
    no_peer_ssh: flags.NoPeerSsh = False,
    iam_policy: flags.IamPolicy = None,
    iam_managed_policies: flags.IamManagedPolicies = None,
    iam_policy_file: flags.IamPolicyFile = None,
    iam_role: flags.IamRole = None,
    strict: flags.Strict = False,
    dns: flags.Dns = "",
    dns_address: flags.DnsAddress = None,
    spot: spot_flags.Spot = False,
    spot_count: spot_flags.SpotCount = None,
    spot_max_price: spot_flags.SpotMaxPrice = None,
    spot_fallback: spot_flags.SpotFallback = False,
    allocation: spot_flags.Allocation = None,
    replace: replacement_flags.Replace = None,
    maintain: replacement_flags.Maintain = False,
    max_cost: spot_flags.MaxCost = None,
    max_cost_unknown: spot_flags.MaxCostUnknown = None,
    on_interruption: checkpoint.OnInterruption = None,
    on_rebalance: checkpoint.OnRebalance = None,
    checkpoint_script: checkpoint.Script = "",
    checkpoint_timeout: checkpoint.Timeout = "",
    checkpoint_signal: checkpoint.Signal = None,
    checkpoint_uri: checkpoint.Uri = "",
    checkpoint_strict: checkpoint.Strict = False,
    region: flags.Region = "",
    min_count: flags.MinCount = None,
    request_id: flags.RequestId = None,
    file: flags.SpecFile = None,
    wait_for: flags.WaitFor = None,
    follow: flags.Follow = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return once accepted.")] = False,
    timeout: TimeoutFlag = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; do nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Launch an instance or an array of them."""
    request_id = secrets.token_hex(8) if request_id is None else request_id
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
        "no_ttl": no_ttl or None,
        "on_expire": on_expire,
        "hibernate": hibernate or None,
        "idle_timeout": idle_timeout,
        "idle_action": idle_action,
        "idle_scope": idle_scope,
        "user_data": flags.read_text("--user-data", user_data),
        "command": flags.read_text("--command", command),
        "environment": parse_environment(env or ()),
        "env_compat": parse_compat(env_compat or ()),
        "login_user": login_user,
        "wait_for": wait_for,
        "on_complete": settle_on_complete(on_complete, keep=keep),
        "on_member_failure": on_member_failure,
        "max_runtime": max_runtime,
        "retries": retries,
        "peer_ssh": False if no_peer_ssh else None,
        "permissions": flags.read_permissions(
            iam_policy, iam_managed_policies, iam_role, iam_policy_file
        ),
        "strict": strict or None,
        "dns": dns,
        "dns_address": dns_address,
        "spot": spot or None,
        "spot_count": spot_count,
        "spot_max_price": spot_max_price,
        "spot_fallback": spot_fallback or None,
        "allocation": allocation,
        "replace": replace,
        "maintain": maintain or None,
        "max_cost": max_cost,
        "max_cost_unknown": max_cost_unknown,
        "on_interruption": on_interruption,
        "on_rebalance": on_rebalance,
        "checkpoint_script": flags.read_text("--checkpoint-script", checkpoint_script),
        "checkpoint_timeout": checkpoint_timeout,
        "checkpoint_signal": checkpoint_signal,
        "checkpoint_uri": checkpoint_uri,
        "checkpoint_strict": checkpoint_strict or None,
    }
    order = Order(
        spec=_checked(flags.read_spec_file(file), given, request_id),
        request_id=request_id,
        wait=not no_wait,
        follow=follow,
        timeout=patience,
        as_json=as_json,
    )
    _check_follow(order)
    review(order.spec)
    launch_checkpoint.warn(order.spec)
    launch_spot.warn(order.spec)
    if dry_run:
        asyncio.run(show_plan(order.spec, as_json=as_json))
    else:
        carry_out(order)


def _checked(file: dict[str, Any], given: dict[str, Any], request_id: str) -> LaunchSpec:
    """Make the spec and check it as the launcher will, before anything is sent."""
    parse_flag_duration("--ttl", given["ttl"])
    parse_flag_duration("--idle-timeout", given["idle_timeout"])
    parse_flag_duration("--max-runtime", given["max_runtime"])
    parse_flag_duration("--checkpoint-timeout", given["checkpoint_timeout"])
    if given["min_count"] == 0:  # which stands for all of them in a spec
        raise Ended(Exit.REJECTED, "--min-count '0': use 1 to the count")
    try:
        check_request_id(request_id)
        file.setdefault("name", readable_name(request_id))
        spec = make_spec(file=file, flags=given, region=region_around)
        return check_spec(spec, limits_around())
    except Rejected as error:
        raise Ended(Exit.REJECTED, in_flags(error.field, error.message)) from error


def _check_follow(order: Order) -> None:
    if order.follow and not order.wait:
        raise Usage("--follow and --no-wait contradict each other")
    if order.follow and not order.has_job:
        raise Usage("--follow: there is no job to follow; give --command or --user-data")
    if order.spec.retries and not order.spec.command:
        raise Usage("--retries: there is no --command to run again")
