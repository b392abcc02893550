"""RunInstances: idempotent, bounded by capacity and quota, all or nothing below MinCount."""

from typing import Any

from moto.core.types import Base64EncodedString

from sandbox.ec2 import checks, hardware, place, profiles, tokens, xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.launch_log import LaunchEntry
from sandbox.ec2.parameters import Launch, convert, dry_run, parse
from sandbox.ec2.place import Place
from sandbox.ec2.records import Record, ReservationId
from sandbox.ec2.region import RegionState
from sandbox.ec2.templates import with_template
from sandbox.errors import AwsError
from sandbox.request import Call


def run_instances(call: Call, cloud: Cloud) -> Answer:
    """Answer RunInstances."""
    region = cloud.region(call.account, call.region)
    parameters = parse(call)
    launch = convert(with_template(region, parameters), Launch)
    try:
        records, replayed = _run(cloud, region, launch, parameters)
    except AwsError as error:
        cloud.launches.append(_entry(cloud, region, launch, code=error.code))
        raise
    cloud.launches.append(_entry(cloud, region, launch, records=records, replayed=replayed))
    items = [xml.instance(record, region.tags(record.id)) for record in records]
    inner = xml.reservation(region.account, records[0].reservation, items)
    body = xml.answer("RunInstances", call.request_id, inner)
    return Answer(body, resources=0 if replayed else len(records))


def _run(
    cloud: Cloud, region: RegionState, launch: Launch, parameters: dict[str, Any]
) -> tuple[list[Record], bool]:
    checks.check_shape(launch)
    zone = place.scope(region, launch)
    print_ = tokens.fingerprint(parameters)
    use = region.tokens.look_up(launch.client_token, zone, print_) if launch.client_token else None
    if use is not None:
        records = region.reservations.get(use.reservation, [])
        tokens.replay(records)
        return records, True
    records = _launch(cloud, region, launch)
    if launch.client_token:
        made = tokens.Use(print_, records[0].reservation, cloud.clock.now())
        region.tokens.remember(launch.client_token, zone, made)
    return records, False


def _launch(cloud: Cloud, region: RegionState, launch: Launch) -> list[Record]:
    image = checks.check_image(region, launch)
    checks.check_key(region, launch)
    where = place.choose(cloud, region, launch)
    groups = checks.groups_of(region, launch, str(where.subnet.vpc_id))
    asked = launch.iam_instance_profile
    profile = None if asked is None else profiles.find(cloud, region, asked)
    if launch.dry_run:
        raise dry_run()
    count = place.grant(cloud, region, launch, where)
    keywords = _keywords(region, launch, where, groups=groups, image=image)
    reservation = _make(region, launch, count, keywords)
    records = region.reservations[ReservationId(reservation.id)]
    for record in records:
        _finish(region, record, launch, profile)
    return records


def _make(region: RegionState, launch: Launch, count: int, keywords: dict[str, Any]) -> Any:
    user_data = None if launch.user_data is None else Base64EncodedString(launch.user_data)
    before = set(region.backend.reservations)
    try:
        return region.backend.run_instances(launch.image_id, count, user_data, [], **keywords)
    except Exception:
        # moto stops half-way through a launch that it can't make and keeps the first half.
        for orphan in set(region.backend.reservations) - before:
            del region.backend.reservations[orphan]
        raise


def _keywords(
    region: RegionState, launch: Launch, where: Place, *, groups: list[str], image: Any
) -> dict[str, Any]:
    """Return what moto's `run_instances` wants to know."""
    return {
        "instance_type": launch.instance_type,
        "is_instance_type_default": False,
        "placement": None,
        "placement_hostid": launch.placement.host_id,
        "region_name": region.name,
        "subnet_id": None if launch.network_interfaces else where.subnet.id,
        "key_name": launch.key_name,
        "security_group_ids": groups,
        "nics": hardware.interfaces(launch, where.subnet.id),
        "private_ip": launch.private_ip_address,
        "associate_public_ip": None,
        "tags": _tags(launch),
        "ebs_optimized": launch.ebs_optimized,
        "disable_api_stop": launch.disable_api_stop,
        "disable_api_termination": launch.disable_api_termination,
        "instance_market_options": "spot" if launch.spot else {},
        "instance_initiated_shutdown_behavior": launch.instance_initiated_shutdown_behavior,
        "launch_template": {},
        "hibernation_options": launch.hibernation_options,
        "monitoring_state": "enabled" if launch.monitoring.enabled else "disabled",
        "ipv6_address_count": launch.ipv6_address_count,
        "metadata_options": launch.metadata_options,
        "client_token": launch.client_token,
        "block_device_mappings": hardware.devices(launch, str(image.root_device_name)),
        "lifecycle": "spot" if launch.spot else None,
    }


def _tags(launch: Launch) -> dict[str, dict[str, str]]:
    return {
        one.resource_type: {tag.key: tag.value for tag in one.tags}
        for one in launch.tag_specifications
    }


def _finish(region: RegionState, record: Record, launch: Launch, profile: Any) -> None:
    record.one_time = launch.one_time
    record.when_interrupted = launch.when_interrupted
    record.model.placement.tenancy = launch.placement.tenancy
    for nic in record.model.nics.values():
        nic.delete_on_termination = True
    if profile is not None:
        record.profile_id = profile.id
        region.backend.associate_iam_instance_profile(
            instance_id=record.id, iam_instance_profile_arn=profile.arn
        )


def _entry(
    cloud: Cloud,
    region: RegionState,
    launch: Launch,
    *,
    records: list[Record] | None = None,
    replayed: bool = False,
    code: str = "",
) -> LaunchEntry:
    return LaunchEntry(
        at=cloud.clock.now(),
        region=region.name,
        client_token=launch.client_token,
        min_count=launch.min_count,
        max_count=launch.max_count,
        instance_type=launch.instance_type,
        count=len(records) if records else 0,
        reservation_id=records[0].reservation if records else None,
        replayed=replayed,
        code=code,
    )
