"""Looking up where a launch may run: what placement is planned from."""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from services.launcher.model import Places
from services.launcher.plan.placement import image_parameter
from services.launcher.ports import World
from spawn.aws.shapes import Subnet
from spawn.contracts.launches import LaunchSpec
from spawn.errors import NotFound, Outcome, Rejected, first_outcome

_FRESH = timedelta(minutes=1)
"""How long an answer is used again: many launches at once ask AWS once."""


async def look_up_places(world: World, spec: LaunchSpec, *, only_look: bool = False) -> Places:
    """Find out what AWS knows about where `spec` may run, or knew a minute ago.

    Makes the deployment's security groups unless `only_look`: then they are left out.
    Raises `Rejected` naming the field that AWS does not know.
    """
    key, memory = _key(spec, only_look=only_look), world.memory
    async with memory.looking.setdefault(key, asyncio.Lock()):
        memory.forget_places(world.clock.now())
        known = memory.places.get(key)
        if known is None:
            known = (world.clock.now() + _FRESH, await _look_up(world, spec, only_look=only_look))
            memory.places[key] = known
        return known[1]


def _key(spec: LaunchSpec, *, only_look: bool) -> bytes:
    """Keep of a spec what its places depend on."""
    return msgspec.json.encode(
        (
            only_look,
            spec.region,
            spec.instance_types,
            spec.zones,
            spec.ami,
            spec.subnets,
            spec.security_groups,
            spec.ssh_cidr,
            spec.key_name,
            spec.hibernates,
        )
    )


async def _look_up(world: World, spec: LaunchSpec, *, only_look: bool) -> Places:
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
    root = await ec2.find_image(image_id) if spec.hibernates else None
    groups = () if only_look else await _ensure_groups(world, spec, subnets.result())
    return Places(
        types=types,
        image_id=image_id,
        architecture=architecture,
        architectures=architectures,
        offerings=offered.result(),
        subnets=tuple((each.zone, each.id) for each in subnets.result()),
        security_group_ids=(*groups, *spec.security_groups),
        memories={name: known[name].memory_mib for name in types},
        hibernating=frozenset(name for name in types if known[name].hibernation),
        root_device=root.root_device if root else "",
        root_gib=root.root_gib if root else 0,
        zone_ids={each.zone: each.zone_id for each in subnets.result()},
        spot_types=frozenset(name for name in types if known[name].spot),
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
        try:
            image_id = await world.aws.ssm(spec.region).parameter(parameter)
        except NotFound as error:
            raise Rejected(
                f"ami: {spec.region} has no default image ({error.message}); name one with --ami",
                field="ami",
            ) from error
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


async def _ensure_groups(
    world: World, spec: LaunchSpec, subnets: tuple[Subnet, ...]
) -> tuple[str, ...]:
    ec2, vpc_id = world.aws.ec2(spec.region), subnets[0].vpc_id
    tags: Mapping[str, str] = {"spawn:managed": "true", "spawn:deployment": world.deployment}
    name = f"spawn-{world.deployment}"
    own = await ec2.ensure_security_group(name, vpc_id, tags)
    if not spec.ssh_cidr:
        return (own,)
    # A group of its own for each network: what one launch opens stays shut for all others.
    network = hashlib.sha256(spec.ssh_cidr.encode()).hexdigest()[:8]
    ssh = await ec2.ensure_security_group(f"{name}-ssh-{network}", vpc_id, tags, spec.ssh_cidr)
    return (own, ssh)
