"""What a machine is: its instance's record, read once, as values."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from moto.iam.models import iam_backends

from sandbox.ec2.records import Record
from sandbox.ec2.region import RegionState
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Rejected

RANKS_TAG = "spawn:ranks"


class Profile(msgspec.Struct, frozen=True):
    """An instance profile and its role."""

    arn: str
    id: str
    role_name: str
    role_arn: str


class Access(msgspec.Struct, frozen=True):
    """Metadata options of an instance."""

    enabled: bool
    token_required: bool
    shows_tags: bool


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The one interface of a machine."""

    mac: str
    interface_id: str
    private_ip: str
    private_dns: str
    public_ip: str
    public_dns: str
    subnet_id: str
    subnet_cidr: str
    vpc_id: str
    vpc_cidr: str
    group_ids: tuple[str, ...]
    group_names: tuple[str, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a machine can learn of itself."""

    instance_id: str
    account: str
    region: str
    zone: str
    zone_id: str
    image_id: str
    instance_type: str
    architecture: str
    launch_index: int
    reservation_id: str
    launched_at: datetime
    market: str
    key_name: str
    public_key: str
    rank: int
    tags: dict[str, str]
    network: Network
    access: Access
    profile: Profile | None = None
    user_data: bytes = b""


def read_facts(region: RegionState, record: Record) -> Facts:
    """Read what an instance is. Moto's thread only."""
    model, tags = record.model, dict(region.tags(record.id))
    subnet = region.backend.get_subnet(model.subnet_id)
    key = region.backend.key_pairs.get(model.key_name)
    return Facts(
        instance_id=str(record.id),
        account=str(region.account),
        region=str(region.name),
        zone=record.pool.zone,
        zone_id=str(subnet.availability_zone_id),
        image_id=str(model.image_id),
        instance_type=str(model.instance_type),
        architecture=record.architecture,
        launch_index=int(model.ami_launch_index),
        reservation_id=str(record.reservation),
        launched_at=record.launched_at,
        market=record.pool.market,
        key_name=str(model.key_name or ""),
        public_key=str(getattr(key, "material_public", "") or "") if key else "",
        rank=rank_of(tags, int(model.ami_launch_index)),
        tags=tags,
        network=_network(region, record, subnet),
        access=_access(model.metadata_options),
        profile=_profile(region, model.iam_instance_profile),
        user_data=b64decode(str(model.user_data)) if model.user_data else b"",
    )


def _network(region: RegionState, record: Record, subnet: Any) -> Network:
    model = record.model
    nic = next(iter(model.nics.values()))
    return Network(
        mac=str(nic.mac_address),
        interface_id=str(nic.id),
        private_ip=str(model.private_ip),
        private_dns=str(model.private_dns_name),
        public_ip=str(model.public_ip or ""),
        public_dns=str(model.public_dns_name or ""),
        subnet_id=str(subnet.id),
        subnet_cidr=str(subnet.cidr_block),
        vpc_id=record.vpc_id,
        vpc_cidr=str(region.backend.get_vpc(subnet.vpc_id).cidr_block),
        group_ids=tuple(str(group.id) for group in model.security_groups),
        group_names=tuple(str(group.name) for group in model.security_groups),
    )


def _access(options: Any) -> Access:
    return Access(
        enabled=options.http_endpoint == "enabled",
        token_required=options.http_tokens == "required",
        shows_tags=options.instance_metadata_tags == "enabled",
    )


def _profile(region: RegionState, named: dict[str, str] | None) -> Profile | None:
    if not named:
        return None
    profiles: dict[str, Any] = iam_backends[region.account]["aws"].instance_profiles
    for profile in profiles.values():
        if profile.arn == named["Arn"] and profile.roles:
            role = profile.roles[0]
            return Profile(str(profile.arn), str(profile.id), str(role.name), str(role.arn))
    return None


def rank_of(tags: Mapping[str, str], launch_index: int) -> int:
    """Return the rank of an instance of an array."""
    try:
        return parse_ranks(tags.get(RANKS_TAG, ""))[launch_index]
    except (Rejected, IndexError):
        # Not an array's, or not by our tags: its place in the launch has to do.
        return launch_index
