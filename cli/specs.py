"""From flags and a spec file to a `LaunchSpec`: pure, and every complaint names its flag."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import msgspec

from cli.exits import Usage
from spawn.contracts.launches import EnvCompat, LaunchSpec, OnComplete

FLAGS: Final = {
    "name": "--job-array-name",
    "count": "--count",
    "min_count": "--min-count",
    "region": "--region",
    "instance_types": "--instance-type",
    "zones": "--zone",
    "ami": "--ami",
    "subnets": "--subnet",
    "security_groups": "--security-group",
    "ssh_cidr": "--ssh-cidr",
    "key_name": "--key-name",
    "tags": "--tag",
    "ttl": "--ttl",
    "no_ttl": "--no-ttl",
    "user_data": "--user-data",
    "command": "--command",
    "environment": "--env",
    "env_compat": "--env-compat",
    "login_user": "--login-user",
    "wait_for": "--wait-for",
    "on_complete": "--on-complete",
    "on_member_failure": "--on-member-failure",
    "max_runtime": "--max-runtime",
    "retries": "--retries",
    "peer_ssh": "--no-peer-ssh",
    "dns": "--dns",
    "dns_address": "--dns-address",
    "on_expire": "--on-expire",
    "hibernate": "--hibernate",
    "idle_timeout": "--idle-timeout",
    "idle_action": "--idle-action",
    "idle_scope": "--idle-scope",
    "request_id": "--request-id",
    "permissions": "--iam-policy",
    "policies": "--iam-policy",
    "managed": "--iam-managed-policies",
    "role": "--iam-role",
    "documents": "--iam-policy-file",
    "strict": "--strict",
    "spot": "--spot",
    "spot_count": "--spot-count",
    "spot_max_price": "--spot-max-price",
    "spot_fallback": "--spot-fallback",
    "allocation": "--allocation",
    "replace": "--replace",
    "maintain": "--maintain",
    "max_cost": "--max-cost",
    "max_cost_unknown": "--max-cost-unknown",
    "on_interruption": "--on-interruption",
    "on_rebalance": "--on-rebalance",
    "checkpoint_script": "--checkpoint-script",
    "checkpoint_timeout": "--checkpoint-timeout",
    "checkpoint_signal": "--checkpoint-signal",
    "checkpoint_uri": "--checkpoint-uri",
    "checkpoint_strict": "--checkpoint-strict",
}
"""The flag of each field of a launch, and of its permissions."""

_LISTS = (
    "instance_types",
    "zones",
    "subnets",
    "security_groups",
    "env_compat",
    "policies",
    "managed",
)
_PAIRS = ("tags", "environment", "permissions")


def split_lists(values: Iterable[str]) -> tuple[str, ...]:
    """Split what a repeatable flag was given at commas, too; order is kept, repetition is not."""
    parts = (part.strip() for value in values for part in value.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def parse_tags(values: Iterable[str]) -> dict[str, str]:
    """Parse `key=value` pairs; raise `Usage` for one without a key or an equals sign."""
    tags: dict[str, str] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key.strip():
            raise Usage(f"--tag {value!r}: write it like key=value")
        tags[key.strip()] = text
    return tags


def parse_environment(values: Iterable[str]) -> dict[str, str]:
    """Parse `NAME=value` pairs, values as they are; raise `Usage` for one without a name."""
    environment: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise Usage(f"--env {value!r}: write it like NAME=value")
        environment[name] = text
    return environment


def parse_compat(values: Iterable[str]) -> tuple[EnvCompat, ...]:
    """Parse the names of schedulers; raise `Usage` for an unknown one."""
    known = tuple(EnvCompat)
    for word in (words := split_lists(values)):
        if word not in known:
            raise Usage(f"--env-compat {word!r}: use {', '.join(known)}")
    return tuple(EnvCompat(word) for word in words)


def settle_on_complete(on_complete: OnComplete | None, *, keep: bool) -> OnComplete | None:
    """Return what was asked for by either flag; raise `Usage` when they contradict each other."""
    if keep and on_complete not in (None, OnComplete.NONE):
        raise Usage(f"--keep and --on-complete {on_complete} contradict each other")
    return OnComplete.NONE if keep else on_complete


def make_spec(
    *, file: Mapping[str, Any], flags: Mapping[str, Any], region: Callable[[], str]
) -> LaunchSpec:
    """Make a spec of a file's fields and of the flags that were given, which win.

    Tags and environment are merged by key. `region` says what the surroundings name, where
    neither does. Raises `Usage` naming an unknown field, a field of a wrong type, or the missing
    region.
    """
    given = {name: value for name, value in flags.items() if value not in (None, (), {}, "")}
    fields = _check_fields(file)
    merged = {**fields, **given}
    for name in _PAIRS:
        if name in given and isinstance(fields.get(name), Mapping):
            merged[name] = {**fields[name], **given[name]}
    if not merged.get("region"):
        merged["region"] = region()
    if not merged["region"]:
        raise Usage("no region: give --region, or set AWS_REGION")
    try:
        return msgspec.convert(merged, LaunchSpec)
    except msgspec.ValidationError as error:
        raise Usage(f"spec: {error}") from error


def _check_fields(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's fields, lists written as one comma-separated text split."""
    known = LaunchSpec.__struct_fields__
    for name in file:
        if name not in known:
            raise Usage(f"spec file: unknown field {name!r}; known are {', '.join(known)}")
    fields = dict(file)
    for name in _LISTS:
        value = fields.get(name)
        if isinstance(value, str):
            fields[name] = split_lists([value])
    permissions = fields.get("permissions")
    if isinstance(permissions, Mapping):
        fields["permissions"] = {
            name: split_lists([value]) if name in _LISTS and isinstance(value, str) else value
            for name, value in cast("Mapping[str, Any]", permissions).items()
        }
    return fields


def in_flags(field: str, message: str) -> str:
    """Rewrite a rejection that begins with its field's name so that it names the flag."""
    flag = FLAGS.get(field.removeprefix("spec.").split(".")[0].split("[")[0])
    if not flag or flag in message:
        return message
    for written in (field, field.removeprefix("spec.")):
        if message.startswith(written):
            return f"{flag}{message.removeprefix(written).replace('=', ' ', 1)}"
    return f"{flag}: {message}"
