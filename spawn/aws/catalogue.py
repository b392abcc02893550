"""What a region has to launch from: images, instance types and where they are offered, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.aws import answers
from spawn.aws.base import Ec2Base, chunked
from spawn.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from types_aiobotocore_ec2.type_defs import (
        DescribeAvailabilityZonesResultTypeDef,
        DescribeImagesResultTypeDef,
        DescribeInstanceTypeOfferingsRequestTypeDef,
        DescribeInstanceTypeOfferingsResultTypeDef,
        DescribeInstanceTypesRequestTypeDef,
        DescribeInstanceTypesResultTypeDef,
        DescribeKeyPairsResultTypeDef,
    )

    from spawn.aws.shapes import Image, InstanceType

MOST_VALUES = 100
"""Values in one filter, of the 200 that EC2 takes: an answer is then one page
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html)."""


class CatalogueCalls(Ec2Base):
    """The calls of `spawn.aws.ports.CataloguePort`."""

    async def find_image(self, image_id: str) -> Image:
        """Return an image. Raises `NotFound`."""

        async def call() -> DescribeImagesResultTypeDef:
            return await (await self._client()).describe_images(ImageIds=[image_id])

        found = (await self._calls.repeat("DescribeImages", call))["Images"]
        if not found:
            raise NotFound(f"there is no image {image_id} in this region", code="InvalidAMIID")
        return answers.image(found[0])

    async def instance_types(self, names: Iterable[str]) -> dict[str, InstanceType]:
        """Return the types by name; names that EC2 does not know are left out."""
        found: dict[str, InstanceType] = {}
        for chunk in chunked(names, MOST_VALUES):
            listed = await self._types(chunk)
            # A filter's value may be a pattern.
            found |= {one.name: one for one in listed if one.name in chunk}
        return found

    async def offerings(self, types: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return, for each type, the zones of the region that have it, in order."""
        zones: dict[str, set[str]] = {}
        for chunk in chunked(types, MOST_VALUES):
            zones |= {name: set[str]() for name in chunk}
            for name, zone in await self._offered(chunk):
                if name in zones:
                    zones[name].add(zone)
        return {name: tuple(sorted(places)) for name, places in zones.items()}

    async def available_zones(self) -> tuple[str, ...]:
        """Return the availability zones of the region that are in use, in order."""

        async def call() -> DescribeAvailabilityZonesResultTypeDef:
            return await (await self._client()).describe_availability_zones()

        zones = (await self._calls.repeat("DescribeAvailabilityZones", call))["AvailabilityZones"]
        # Local and wavelength zones are listed too, where the account has opted in.
        return tuple(
            sorted(
                zone.get("ZoneName", "")
                for zone in zones
                if zone.get("State") == "available"
                and zone.get("ZoneType", "availability-zone") == "availability-zone"
            )
        )

    async def key_pair_exists(self, name: str) -> bool:
        """Say whether a key pair has this name."""

        async def call() -> DescribeKeyPairsResultTypeDef:
            return await (await self._client()).describe_key_pairs(KeyNames=[name])

        try:
            return bool((await self._calls.repeat("DescribeKeyPairs", call))["KeyPairs"])
        except NotFound:
            return False

    async def _types(self, names: Sequence[str]) -> list[InstanceType]:
        query: DescribeInstanceTypesRequestTypeDef = {
            "Filters": [{"Name": "instance-type", "Values": names}],
            "MaxResults": MOST_VALUES,
        }

        async def call() -> DescribeInstanceTypesResultTypeDef:
            return await (await self._client()).describe_instance_types(**query)

        found: list[InstanceType] = []
        while True:
            page = await self._calls.repeat("DescribeInstanceTypes", call)
            found += [answers.instance_type(info) for info in page["InstanceTypes"]]
            if not (token := page.get("NextToken")):
                return found
            query["NextToken"] = token

    async def _offered(self, names: Sequence[str]) -> list[tuple[str, str]]:
        query: DescribeInstanceTypeOfferingsRequestTypeDef = {
            "LocationType": "availability-zone",
            "Filters": [{"Name": "instance-type", "Values": names}],
        }

        async def call() -> DescribeInstanceTypeOfferingsResultTypeDef:
            return await (await self._client()).describe_instance_type_offerings(**query)

        found: list[tuple[str, str]] = []
        while True:
            page = await self._calls.repeat("DescribeInstanceTypeOfferings", call)
            found += [
                (offer.get("InstanceType", ""), offer.get("Location", ""))
                for offer in page["InstanceTypeOfferings"]
            ]
            if not (token := page.get("NextToken")):
                return found
            query["NextToken"] = token
