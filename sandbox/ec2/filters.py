"""Filters as EC2 applies them: values are alternatives, filters add up, `*` and `?` match.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from sandbox.ec2.records import INDEXED, InstanceId, Record, Records
from sandbox.errors import AwsError


class Filter(msgspec.Struct, frozen=True, rename="pascal"):
    """One filter of a Describe call."""

    name: str
    values: tuple[str, ...] = ()


class Subject(NamedTuple):
    """A record with its tags."""

    record: Record
    tags: Mapping[str, str]


def check(filters: Iterable[Filter]) -> None:
    """Raise `AwsError` InvalidParameterValue for a filter that EC2 does not know."""
    for item in filters:
        if item.name not in _VALUES and not item.name.startswith("tag:"):
            raise AwsError("InvalidParameterValue", f"The filter '{item.name}' is invalid")


def candidates(records: Records, filters: Iterable[Filter]) -> Iterable[Record]:
    """Return the fewest records that an index yields: a superset of what matches."""
    best: tuple[int, Filter] | None = None
    for item in filters:
        if not (item.name in INDEXED or item.name.startswith("tag:")) or _wild(item):
            continue
        size = records.count(item.name, item.values)
        if best is None or size < best[0]:
            best = (size, item)
    by_id = [f for f in filters if f.name == "instance-id" and not _wild(f)]
    if by_id and (best is None or len(by_id[0].values) <= best[0]):
        found = (records.by_id.get(InstanceId(value)) for value in set(by_id[0].values))
        return [record for record in found if record is not None]
    if best is None:
        return list(records.by_id.values())
    return records.having(best[1].name, best[1].values).values()


def matches(filters: Iterable[Filter], subject: Subject) -> bool:
    """Tell whether every filter matches."""
    return all(_matches(item, subject) for item in filters)


def _wild(item: Filter) -> bool:
    return any(_is_pattern(value) for value in item.values)


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value or "\\" in value


def _matches(item: Filter, subject: Subject) -> bool:
    if item.name.startswith("tag:"):
        tag = subject.tags.get(item.name[4:])
        held: Iterable[str] = () if tag is None else (tag,)
    else:
        held = _VALUES[item.name](subject)
    return any(_equal(wanted, value) for value in held for wanted in item.values)


def _equal(wanted: str, value: str) -> bool:
    if not _is_pattern(wanted):
        return wanted == value
    return _compile(wanted).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        elif character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        else:
            parts.append(re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _of(path: str) -> Callable[[Subject], list[str]]:
    names = path.split(".")

    def read(subject: Subject) -> list[str]:
        value: Any = subject.record.model
        for name in names:
            value = getattr(value, name, None)
        return [] if value is None or value == "" else [_text(value)]

    return read


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _profile(key: str) -> Callable[[Subject], list[str]]:
    def read(subject: Subject) -> list[str]:
        profile: dict[str, str] = subject.record.model.iam_instance_profile or {}
        if key == "id":
            return [subject.record.profile_id] if profile else []
        arn = profile.get("Arn", "")
        return [arn] if arn else []

    return read


def _groups(name: str) -> Callable[[Subject], list[str]]:
    return lambda subject: [str(getattr(g, name)) for g in subject.record.model.security_groups]


def _launch_time(subject: Subject) -> list[str]:
    return [f"{subject.record.launched_at:%Y-%m-%dT%H:%M:%S}.000Z"]


def _lifecycle(subject: Subject) -> list[str]:
    return ["spot"] if subject.record.pool.market == "spot" else []


_VALUES: dict[str, Callable[[Subject], Iterable[str]]] = {
    "affinity": lambda _: [],
    "architecture": lambda s: [s.record.architecture],
    "availability-zone": lambda s: [s.record.pool.zone],
    "block-device-mapping.volume-id": lambda s: [
        device.volume_id for _, device in s.record.model.get_block_device_mapping
    ],
    "client-token": lambda s: [s.record.client_token],
    "dns-name": _of("public_dns_name"),
    "group-id": _groups("id"),
    "group-name": _groups("name"),
    "hypervisor": lambda _: ["xen"],
    "iam-instance-profile.arn": _profile("arn"),
    "iam-instance-profile.id": _profile("id"),
    "image-id": _of("image_id"),
    "instance-id": lambda s: [s.record.id],
    "instance-lifecycle": _lifecycle,
    "instance-state-code": lambda s: [str(s.record.state.code)],
    "instance-state-name": lambda s: [s.record.state.value],
    "instance-type": _of("instance_type"),
    "instance.group-id": _groups("id"),
    "instance.group-name": _groups("name"),
    "ip-address": _of("public_ip"),
    "key-name": _of("key_name"),
    "launch-index": lambda s: [str(s.record.model.ami_launch_index)],
    "launch-time": _launch_time,
    "metadata-options.http-endpoint": _of("metadata_options.http_endpoint"),
    "metadata-options.http-tokens": _of("metadata_options.http_tokens"),
    "monitoring-state": _of("monitoring_state"),
    "network-interface.network-interface-id": lambda s: [
        nic.id for nic in s.record.model.nics.values()
    ],
    "network-interface.subnet-id": _of("subnet_id"),
    "network-interface.vpc-id": lambda s: [s.record.vpc_id],
    "network-interface.addresses.private-ip-address": _of("private_ip"),
    "owner-id": _of("owner_id"),
    "platform": _of("platform"),
    "private-dns-name": _of("private_dns_name"),
    "private-ip-address": _of("private_ip"),
    "reason": lambda s: [s.record.transition_reason],
    "requester-id": lambda _: [],
    "reservation-id": lambda s: [s.record.reservation],
    "root-device-name": _of("root_device_name"),
    "root-device-type": lambda _: ["ebs"],
    "source-dest-check": _of("source_dest_check"),
    "spot-instance-request-id": lambda s: [s.record.spot_request],
    "state-reason-code": lambda s: [s.record.state_reason.code] if s.record.state_reason else [],
    "subnet-id": _of("subnet_id"),
    "tag-key": lambda s: list(s.tags),
    "tag-value": lambda s: list(s.tags.values()),
    "tenancy": _of("placement.tenancy"),
    "virtualization-type": _of("virtualization_type"),
    "vpc-id": lambda s: [s.record.vpc_id],
}
