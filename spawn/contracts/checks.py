"""What a launch may ask for: the same checks in the CLI, before it sends, and in the launcher."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec

from spawn.contracts.checkpoint_checks import check_checkpoint
from spawn.contracts.cost_checks import check_cost
from spawn.contracts.durations import format_duration, parse_duration
from spawn.contracts.ids import check_name
from spawn.contracts.launches import LARGEST_JOB, IdleScope, LaunchSpec
from spawn.contracts.leases import LeaseAction
from spawn.contracts.spot_checks import check_spot
from spawn.errors import Rejected

MOST_USER_TAGS = 40
"""EC2 allows 50 tags on a resource (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/
Using_Tags.html); ours take up to ten."""

MOST_TAG_BYTES = 16 * 1024
"""Bytes of all keys and values: they stand in every open request of an array's record."""

SHORTEST_IDLE = timedelta(minutes=3)
"""What three looks at a machine take, one a minute: fewer say little."""

MOST_ALTERNATIVES = 20
MOST_RETRIES = 100
MOST_SECURITY_GROUPS = 14
"""EC2's hard limit is 16 a network interface, two of which are ours."""

_LONGEST_SHOWN = 60
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}")
_ZONE = re.compile(rf"{_REGION.pattern}(?:[a-z]|(?:-[a-z0-9]+)+)")
_INSTANCE_TYPE = re.compile(r"[a-z][a-z0-9-]{1,30}\.[a-z0-9-]{1,30}")
_AMI = re.compile(r"ami-[0-9a-f]{8,17}")
_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")
_KEY_NAME = re.compile(r"[\x20-\x7e]{1,255}")
_TAG_KEY = re.compile(r"[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_RESERVED_VARIABLES = ("SPAWN_", "JOB_ARRAY_")
_RESERVED_TAGS = ("aws:", "spawn:")
_UNRUNNABLE = ("#cloud-config", "#include", "Content-Type:", "MIME-Version:")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment allows at most."""

    count: int = 5000
    """Largest array."""
    ttl: timedelta = timedelta(days=7)
    """Longest lease."""
    no_ttl: bool = True
    """Whether a launch may do without one."""


def check_spec(spec: LaunchSpec, limits: Limits | None = None) -> LaunchSpec:
    """Return `spec` when it can be launched; raise `Rejected` with the first wrong field."""
    limits = limits or Limits()
    check_name(spec.name)
    if spec.dns:
        check_name(spec.dns, field="dns")
    _check_counts(spec, limits)
    _check_places(spec)
    _check_network(spec)
    _check_tags(spec.tags)
    _check_ttl(spec, limits)
    _check_idle(spec)
    _check_user_data(spec.user_data)
    _check_job(spec)
    check_spot(spec)
    check_cost(spec)
    check_checkpoint(spec)
    return spec


def _check_counts(spec: LaunchSpec, limits: Limits) -> None:
    if not 1 <= spec.count <= limits.count:
        raise _wrong("count", spec.count, f"use 1 to {limits.count}")
    if not 0 <= spec.min_count <= spec.count:
        raise _wrong("min_count", spec.min_count, f"use 1 to the count, {spec.count}")


def _check_places(spec: LaunchSpec) -> None:
    _match("region", spec.region, _REGION, "an AWS region such as us-east-1")
    _match_all("instance_types", spec.instance_types, _INSTANCE_TYPE, "a type such as m7i.large")
    _match_all("zones", spec.zones, _ZONE, f"a zone of the region such as {spec.region}a")
    for zone in spec.zones:
        # What follows a region's name in a zone's is no digit: us-east-11a is none of us-east-1.
        if not zone.startswith(spec.region) or zone[len(spec.region)].isdigit():
            raise _wrong("zones", zone, f"use zones of {spec.region}")
    if spec.ami:
        _match("ami", spec.ami, _AMI, "an image id such as ami-0123456789abcdef0")


def _check_network(spec: LaunchSpec) -> None:
    _match_all("subnets", spec.subnets, _SUBNET, "a subnet id such as subnet-0123456789abcdef0")
    _match_all(
        "security_groups",
        spec.security_groups,
        _SECURITY_GROUP,
        "a group id such as sg-0123456789abcdef0",
        most=MOST_SECURITY_GROUPS,
    )
    if spec.key_name:
        _match("key_name", spec.key_name, _KEY_NAME, "the name of a key pair, 1 to 255 characters")
    if spec.ssh_cidr:
        _check_cidr("ssh_cidr", spec.ssh_cidr)


def _check_cidr(field: str, text: str) -> None:
    expected = "a network such as 203.0.113.0/24, with no bits set behind its prefix"
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise _wrong(field, text, f"use {expected}") from error
    if "/" not in text:  # which Python takes and EC2 doesn't
        prefix = ipaddress.ip_address(text).max_prefixlen
        raise _wrong(field, text, f"use a network; for this address alone {text}/{prefix}")


def _check_tags(tags: dict[str, str]) -> None:
    if len(tags) > MOST_USER_TAGS:
        raise _wrong("tags", f"{len(tags)} tags", f"use {MOST_USER_TAGS} at most")
    size = sum(len(f"{key}{value}".encode(errors="surrogatepass")) for key, value in tags.items())
    if size > MOST_TAG_BYTES:
        raise _wrong("tags", f"{size} bytes", f"use {MOST_TAG_BYTES} in all")
    for key, value in tags.items():
        if key.startswith(_RESERVED_TAGS) or not _TAG_KEY.fullmatch(key):
            expected = (
                "1 to 128 letters, digits, spaces and .:/=+@-, not starting with aws: or spawn:"
            )
            raise _wrong("tags", key, f"a key has {expected}")
        if not _TAG_VALUE.fullmatch(value):
            raise _wrong(
                "tags", value, "a value has at most 256 letters, digits, spaces and .:/=+@-"
            )


def _check_ttl(spec: LaunchSpec, limits: Limits) -> None:
    ttl = spec.ttl
    if spec.no_ttl and ttl:
        raise _wrong("ttl", ttl, "say either when all ends or, with no_ttl, that nothing does")
    if spec.no_ttl and not limits.no_ttl:
        expected = "this deployment ends everything; SPAWN_ALLOW_NO_TTL=true would allow it"
        raise _wrong("no_ttl", "true", expected)
    if not ttl:
        return
    try:
        duration = parse_duration(ttl)
    except Rejected as error:
        raise Rejected(f"ttl: {error.message}", field="ttl") from error
    if duration > limits.ttl:
        raise _wrong("ttl", ttl, f"use {format_duration(limits.ttl)} at most")


def _check_job(spec: LaunchSpec) -> None:
    _check_size(spec)
    _check_environment(spec.environment)
    if "\0" in spec.command:
        raise _wrong("command", spec.command, "it can't hold a NUL character")
    if spec.login_user:
        _match("login_user", spec.login_user, _USER, "the name of a user, as in /etc/passwd")
    if not 0 <= spec.retries <= MOST_RETRIES:
        raise _wrong("retries", spec.retries, f"use 0 to {MOST_RETRIES}")
    if spec.max_runtime:
        try:
            parse_duration(spec.max_runtime)
        except Rejected as error:
            raise Rejected(f"max_runtime: {error.message}", field="max_runtime") from error


def _check_environment(environment: dict[str, str]) -> None:
    for name, value in environment.items():
        if not _VARIABLE.fullmatch(name) or name.startswith(_RESERVED_VARIABLES):
            expected = "letters, digits and _, not starting with a digit, SPAWN_ or JOB_ARRAY_"
            raise _wrong("environment", name, f"a name has {expected}")
        if "\0" in value:
            raise _wrong("environment", name, "a value can't hold a NUL character")


def _check_size(spec: LaunchSpec) -> None:
    sizes = {
        "user_data": _size(spec.user_data),
        "command": _size(spec.command),
        "checkpoint_script": _size(spec.checkpoint_script),
        "environment": sum(_size(k) + _size(v) for k, v in spec.environment.items()),
    }
    total = sum(sizes.values())
    if total > LARGEST_JOB:
        largest = max(sizes, key=lambda name: sizes[name])
        shown = ", ".join(f"{name} {size}" for name, size in sizes.items() if size)
        raise Rejected(
            f"{largest}: the job has {total} bytes ({shown}); {LARGEST_JOB} travel with a launch:"
            " put the rest into S3 and fetch it from the script",
            field=largest,
        )


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _check_idle(spec: LaunchSpec) -> None:
    if not spec.idle_timeout:
        for field, default in (
            ("idle_action", LeaseAction.TERMINATE),
            ("idle_scope", IdleScope.ARRAY),
        ):
            value: str = getattr(spec, field)
            if value != default:
                raise _wrong(field, value, "give an idle timeout with it")
        return
    try:
        timeout = parse_duration(spec.idle_timeout)
    except Rejected as error:
        raise Rejected(f"idle_timeout: {error.message}", field="idle_timeout") from error
    if timeout < SHORTEST_IDLE:
        shortest = format_duration(SHORTEST_IDLE)
        raise _wrong("idle_timeout", spec.idle_timeout, f"use {shortest} or more")


def _check_user_data(text: str) -> None:
    first = text.lstrip().split("\n", 1)[0]
    if first.startswith(_UNRUNNABLE):
        raise _wrong("user_data", first, "use a script; begin it with #! and an interpreter")


def _match(field: str, value: str, pattern: re.Pattern[str], expected: str) -> None:
    if not pattern.fullmatch(value):
        raise _wrong(field, value, f"use {expected}")


def _match_all(
    field: str,
    values: tuple[str, ...],
    pattern: re.Pattern[str],
    expected: str,
    *,
    most: int = MOST_ALTERNATIVES,
) -> None:
    if len(values) > most:
        raise _wrong(field, f"{len(values)} of them", f"use {most} at most")
    for value in values:
        _match(field, value, pattern, expected)
    if len(set(values)) < len(values):
        raise _wrong(field, ",".join(values), "name each once")


def _wrong(field: str, value: object, expected: str) -> Rejected:
    shown = str(value)
    shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
    return Rejected(f"{field}={shown!r}: {expected}", field=field)


def changed_fields(before: LaunchSpec, after: LaunchSpec) -> Iterator[str]:
    """Yield the names of the fields in which two specs differ."""
    read: Callable[[LaunchSpec, str], object] = getattr
    for field in msgspec.structs.fields(LaunchSpec):
        if read(before, field.name) != read(after, field.name):
            yield field.name
