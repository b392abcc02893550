"""Looking up where a launch may run: what placement is planned from."""

import asyncio
from collections.abc import Mapping

from services.launcher.model import Places
from services.launcher.plan.placement import image_parameter
from services.launcher.ports import World
from spawn.aws.shapes import Subnet
from spawn.contracts.launches import LaunchSpec
from spawn.errors import NotFound, Outcome, Rejected, first_outcome


async def look_up_places(world: World, spec: LaunchSpec) -> tuple[tuple[str, ...], Places]:
    """Find out what AWS knows about where `spec` may run; return its types too.

    Raises `Rejected` naming the field that AWS does not know.
    """
    types = spec.instance_types or (world.settings.default_instance_type,)
    ec2 = world.aws.ec2(spec.region)
    try:
        async with asyncio.TaskGroup() as group:
            kinds = group.create_task(ec2.instance_types(types))
            offered = group.create_task(ec2.offerings(types))
            subnets = group.create_task(_find_subnets(world, spec))
            group.create_task(_check_names(world, spec))
    except* Outcome as outcomes:
        raise first_outcome(outcomes) from None
    known = kinds.result()
    for name in types:
        if name not in known:
            raise Rejected(
                f"instance_types={name!r}: {spec.region} has no such type", field="instance_types"
            )
    architectures = {name: known[name].architectures for name in types}
    image_id, architecture = await _find_image(world, spec, architectures)
    group_id = await _ensure_group(world, spec, subnets.result())
    return types, Places(
        image_id=image_id,
        architecture=architecture,
        architectures=architectures,
        offerings=offered.result(),
        subnets=tuple((each.zone, each.id) for each in subnets.result()),
        security_group_ids=(group_id, *spec.security_groups),
    )


async def _find_subnets(world: World, spec: LaunchSpec) -> tuple[Subnet, ...]:
    ec2 = world.aws.ec2(spec.region)
    try:
        found = await (ec2.subnets(spec.subnets) if spec.subnets else ec2.default_subnets())
    except NotFound as error:
        raise Rejected(f"subnets: {error.message}", field="subnets") from error
    if not found:
        raise Rejected(
            f"{spec.region} has no default subnet; name one with --subnet", field="subnets"
        )
    if len({subnet.vpc_id for subnet in found}) > 1:
        raise Rejected("subnets: they lie in different VPCs; use those of one", field="subnets")
    order = {zone: place for place, zone in enumerate(spec.zones)}
    return tuple(sorted(found, key=lambda each: (order.get(each.zone, len(order)), each.zone)))


async def _find_image(
    world: World, spec: LaunchSpec, architectures: dict[str, tuple[str, ...]]
) -> tuple[str, str]:
    if not spec.ami:
        parameter = image_parameter(architectures)
        image_id = await world.aws.ssm(spec.region).parameter(parameter)
        return image_id, "arm64" if parameter.endswith("arm64") else "x86_64"
    try:
        image = await world.aws.ec2(spec.region).find_image(spec.ami)
    except NotFound as error:
        raise Rejected(f"ami={spec.ami!r}: {error.message}", field="ami") from error
    return image.id, image.architecture


async def _check_names(world: World, spec: LaunchSpec) -> None:
    ec2 = world.aws.ec2(spec.region)
    if spec.key_name and not await ec2.key_pair_exists(spec.key_name):
        raise Rejected(
            f"key_name={spec.key_name!r}: {spec.region} has no such key pair", field="key_name"
        )
    if spec.security_groups:
        try:
            await ec2.security_groups(spec.security_groups)
        except NotFound as error:
            raise Rejected(f"security_groups: {error.message}", field="security_groups") from error


async def _ensure_group(world: World, spec: LaunchSpec, subnets: tuple[Subnet, ...]) -> str:
    tags: Mapping[str, str] = {"spawn:managed": "true", "spawn:deployment": world.deployment}
    return await world.aws.ec2(spec.region).ensure_security_group(
        f"spawn-{world.deployment}", subnets[0].vpc_id, tags, spec.ssh_cidr
    )
