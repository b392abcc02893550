"""What EC2 says of its spot market: prices now, and where it expects to have capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spawn.aws.base import Ec2Base, chunked
from spawn.contracts.prices import PriceSource, Quote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from types_aiobotocore_ec2.type_defs import (
        DescribeSpotPriceHistoryRequestTypeDef,
        DescribeSpotPriceHistoryResultTypeDef,
        GetSpotPlacementScoresResultTypeDef,
        SpotPriceTypeDef,
    )

MOST_TYPES = 50
"""Types in one question for spot prices: with the zones of a region, an answer of a page or two
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html)."""

MOST_SCORES = 30
"""Zones in one answer; the least that EC2 takes is 10, and no region has so many."""

LINUX = "Linux/UNIX"


class MarketCalls(Ec2Base):
    """The calls of `spawn.aws.ports.MarketsPort`."""

    async def spot_prices(
        self, types: Iterable[str], *, now: datetime
    ) -> dict[tuple[str, str], Quote]:
        """Return the spot prices at `now`, by type and zone; what has none is left out."""
        quotes: dict[tuple[str, str], Quote] = {}
        for chunk in chunked(types, MOST_TYPES):
            for listed in await self._history(chunk, now):
                key = (listed.get("InstanceType", ""), listed.get("AvailabilityZone", ""))
                usd = float(listed.get("SpotPrice", "0"))
                # The newest comes first, and what it costs nothing for is not told.
                if usd > 0 and key not in quotes:
                    quotes[key] = Quote(usd=usd, source=PriceSource.LIVE, as_of=now)
        return quotes

    async def placement_scores(
        self, types: Iterable[str], *, count: int, region: str
    ) -> dict[str, int]:
        """Return AWS's scores, 1 to 10, for `count` spot machines, by the id of the zone."""
        names = list(types)

        async def call() -> GetSpotPlacementScoresResultTypeDef:
            return await (await self._client()).get_spot_placement_scores(
                InstanceTypes=names,
                TargetCapacity=count,
                SingleAvailabilityZone=True,
                RegionNames=[region],
                MaxResults=MOST_SCORES,
            )

        scored = (await self._calls.repeat("GetSpotPlacementScores", call))["SpotPlacementScores"]
        return {one.get("AvailabilityZoneId", ""): one.get("Score", 0) for one in scored}

    async def _history(self, types: list[str], now: datetime) -> list[SpotPriceTypeDef]:
        query: DescribeSpotPriceHistoryRequestTypeDef = {
            "InstanceTypes": types,  # pyright: ignore[reportAssignmentType] # the stubs list only types that they know
            "ProductDescriptions": [LINUX],
            # From now on: the prices that hold now
            # (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-history.html).
            "StartTime": now,
        }
        found: list[SpotPriceTypeDef] = []

        async def call() -> DescribeSpotPriceHistoryResultTypeDef:
            return await (await self._client()).describe_spot_price_history(**query)

        while True:
            page = await self._calls.repeat("DescribeSpotPriceHistory", call)
            found += page["SpotPriceHistory"]
            if not (token := page.get("NextToken")):
                return found
            query["NextToken"] = token
