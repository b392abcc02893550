"""Where a launch goes and how many it gets: subnet, zone, capacity, quota, addresses."""

from ipaddress import ip_address
from typing import Any

import msgspec

from sandbox.ec2.cloud import Cloud
from sandbox.ec2.lifecycle import no_capacity
from sandbox.ec2.parameters import Launch
from sandbox.ec2.records import Pool
from sandbox.ec2.region import RegionState, vcpus
from sandbox.errors import AwsError


class Place(msgspec.Struct, frozen=True):
    """A subnet and the pool that its zone belongs to."""

    subnet: Any
    pool: Pool


def scope(region: RegionState, launch: Launch) -> str | None:
    """Return the zone in which a launch's token counts, None for the whole region.

    Raises `AwsError` InvalidSubnetID.NotFound.
    """
    subnet = _named_subnet(region, launch)
    return str(subnet.availability_zone) if subnet else launch.placement.availability_zone


def choose(cloud: Cloud, region: RegionState, launch: Launch) -> Place:
    """Return where to launch: the named subnet or zone, else a zone that has capacity.

    Raises `AwsError` for a subnet or zone that does not exist or does not offer the type.
    """
    offering = region.zones_offering(launch.instance_type)
    if not region.offers(launch.instance_type):
        raise AwsError(
            "Unsupported",
            "The requested configuration is currently not supported. Please check the "
            "documentation for supported configurations.",
        )
    subnet = _named_subnet(region, launch)
    if subnet is None and launch.placement.availability_zone:
        subnet = _default_subnet(region, launch.placement.availability_zone)
    if subnet is not None:
        place = _place(subnet, launch)
        if offering and place.pool.zone not in offering:
            raise _not_offered(launch.instance_type, place.pool.zone, offering)
        return place
    defaults: dict[str, Any] = region.backend.get_default_subnets()
    places = [
        _place(defaults[z], launch) for z in sorted(defaults) if not offering or z in offering
    ]
    if not places:
        raise AwsError(
            "MissingInput", "No subnets found for the default VPC. Please specify a subnet."
        )
    return max(places, key=lambda place: _room(cloud, place))


def grant(cloud: Cloud, region: RegionState, launch: Launch, place: Place) -> int:
    """Return how many instances can be had, at most MaxCount.

    Raises `AwsError` when they are fewer than MinCount: nothing is launched then.
    """
    least, most = launch.min_count or 1, launch.max_count or 1
    quota = within_quota(cloud, region, place.pool)
    if quota is not None and quota < least:
        raise quota_exceeded(cloud, place.pool)
    addresses = _free_addresses(place.subnet)
    if addresses < least:
        raise AwsError(
            "InsufficientFreeAddressesInSubnet",
            f"Not enough free addresses in subnet {place.subnet.id} to satisfy the requested "
            "number of instances.",
        )
    _check_address(launch, place.subnet)
    _check_bid(cloud, launch, place.pool)
    free = cloud.capacity.free(place.pool)
    if free is not None and free < least:
        raise no_capacity(place.pool, others=_other_zones(cloud, region, place.pool))
    return min(limit for limit in (most, quota, addresses, free) if limit is not None)


def _named_subnet(region: RegionState, launch: Launch) -> Any:
    subnet_id = launch.subnet_id
    for nic in launch.network_interfaces[:1]:
        subnet_id = nic.get("SubnetId", subnet_id)
    if subnet_id is None:
        return None
    for subnets in region.backend.subnets.values():
        if subnet_id in subnets:
            return subnets[subnet_id]
    raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")


def _default_subnet(region: RegionState, zone: str) -> Any:
    zones = [one.name for one in region.backend.describe_availability_zones()]
    if zone not in zones:
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid availability zone: [{zone}]",
        )
    subnet = region.backend.get_default_subnets().get(zone)
    if subnet is None:
        raise AwsError("MissingInput", f"No default subnet for availability zone: '{zone}'.")
    return subnet


def _place(subnet: Any, launch: Launch) -> Place:
    market = "spot" if launch.spot else "on-demand"
    return Place(subnet, Pool(market, launch.instance_type, str(subnet.availability_zone)))


def _room(cloud: Cloud, place: Place) -> int:
    """Return how much a place could take: the emptier of two is chosen."""
    free, addresses = cloud.capacity.free(place.pool), _free_addresses(place.subnet)
    return addresses if free is None else min(free, addresses)


def within_quota(cloud: Cloud, region: RegionState, pool: Pool) -> int | None:
    """Return how many instances of a pool the quota allows, None when there is no limit."""
    limit = cloud.quotas.get(pool.market)
    free = region.quota.free(pool.market, limit=limit)
    return None if free is None else free // vcpus(pool.instance_type)


def quota_exceeded(cloud: Cloud, pool: Pool) -> AwsError:
    """Return the error for vCPUs that the account may not use, in EC2's words."""
    if pool.market == "spot":
        return AwsError("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    return AwsError(
        "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of "
        f"{cloud.quotas[pool.market]} allows for the instance bucket that the specified instance "
        "type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request "
        "an adjustment to this limit.",
    )


def _check_address(launch: Launch, subnet: Any) -> None:
    """Raise `AwsError` for an asked address that the subnet does not have or has given away."""
    address = launch.private_ip_address
    if address is None:
        return
    try:
        inside = ip_address(address) in subnet.cidr
    except ValueError:
        inside = False
    if not inside:
        raise AwsError(
            "InvalidParameterValue",
            f"Address {address} does not fall within the subnet's address range",
        )
    if address in subnet._subnet_ips:  # noqa: SLF001  moto's only record of addresses in use
        raise AwsError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def _check_bid(cloud: Cloud, launch: Launch, pool: Pool) -> None:
    """Raise `AwsError` for a spot launch that offers less than the pool costs."""
    options = launch.instance_market_options
    if options is None or options.spot_options.max_price is None or pool.market != "spot":
        return
    price = cloud.market.price(pool.instance_type, pool.zone, cloud.clock.now())
    offered = options.spot_options.max_price
    if price is not None and float(offered) < price:
        raise AwsError(
            "SpotMaxPriceTooLow",
            f"Your Spot request price of {offered} is lower than the minimum required Spot "
            f"request fulfillment price of {price}.",
        )


def _free_addresses(subnet: Any) -> int:
    # AWS keeps the first four addresses and the last one of every subnet.
    # https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    return subnet.cidr.num_addresses - 5 - len(subnet._subnet_ips)  # noqa: SLF001  moto has no count in constant time


def _other_zones(cloud: Cloud, region: RegionState, pool: Pool) -> list[str]:
    zones = sorted(region.zones_offering(pool.instance_type) - {pool.zone})
    pools = [Pool(pool.market, pool.instance_type, zone) for zone in zones]
    return [one.zone for one in pools if cloud.capacity.free(one) != 0]


def _not_offered(instance_type: str, zone: str, offering: set[str]) -> AwsError:
    return AwsError(
        "Unsupported",
        f"Your requested instance type ({instance_type}) is not supported in your requested "
        f"Availability Zone ({zone}). Please retry your request by not specifying an "
        f"Availability Zone or choosing {', '.join(sorted(offering))}.",
    )
