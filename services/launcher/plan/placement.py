"""Where an array may run: image, pools in order, security groups."""

from collections.abc import Iterator

from services.launcher.model import Places
from services.launcher.plan.hibernation import plan_hibernation
from services.launcher.plan.markets import can_do_without, in_order, wanted_markets
from spawn.contracts.arrays import Placement
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.pools import Market, Pool
from spawn.errors import Cause, Rejected

AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
"""SSM's public parameter of the newest Amazon Linux 2023
(https://docs.aws.amazon.com/linux/al2023/ug/ec2.html)."""


def image_parameter(architectures: dict[str, tuple[str, ...]]) -> str:
    """Name the parameter of the default image that runs on all the types.

    Raises `Rejected` when no architecture is common to them.
    """
    for architecture in ("x86_64", "arm64"):
        if all(architecture in each for each in architectures.values()):
            return AL2023.format(architecture=architecture)
    shown = ", ".join(f"{name} is {'/'.join(each)}" for name, each in architectures.items())
    raise Rejected(
        f"instance_types: {shown}; one image can't run on all of them, choose types of one"
        " architecture",
        field="instance_types",
    )


def plan_placement(spec: LaunchSpec, places: Places) -> Placement:
    """Order the pools: spot before on demand, in each by the launch's allocation.

    Without one, the zones of the first type come first, then those of the next. Raises `Rejected`
    when the image fits a type not, or when no zone offers any of the types on a wanted market.
    """
    for name in places.types:
        if places.architecture not in places.architectures[name]:
            raise Rejected(
                f"ami={places.image_id}: it is for {places.architecture}, {name} is"
                f" {'/'.join(places.architectures[name])}; choose another image or type",
                field="ami",
            )
    pools: tuple[Pool, ...] = ()
    for market in wanted_markets(spec):
        found = in_order(spec, places, _pools(spec, places, market))
        if not found and not can_do_without(spec, market):
            raise _nowhere(spec, places, market)
        pools += found
    return Placement(
        image_id=places.image_id,
        pools=pools,
        security_group_ids=places.security_group_ids,
        hibernation=plan_hibernation(spec, places),
    )


def _nowhere(spec: LaunchSpec, places: Places, market: Market) -> Rejected:
    types = ",".join(places.types)
    if market is Market.SPOT and not places.spot_types:
        message = "AWS has no spot of them; choose others, or launch without --spot"
        return Rejected(f"instance_types={types}: {message}", field="instance_types")
    offered = sorted({zone for name in places.types for zone in places.offerings.get(name, ())})
    return Rejected(
        f"instance_types={types}: no subnet of yours lies in a zone that offers"
        f" them; offered in {', '.join(offered) or f'no zone of {spec.region}'}",
        field="instance_types",
        cause=Cause.INVALID,
    )


def _pools(spec: LaunchSpec, places: Places, market: Market) -> Iterator[Pool]:
    for name in places.types:
        if market is Market.SPOT and name not in places.spot_types:
            continue
        offered = places.offerings.get(name, ())
        for zone, subnet in places.subnets:
            if zone in offered and (not spec.zones or zone in spec.zones):
                yield Pool(market, name, zone, subnet)
