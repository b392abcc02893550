"""Prices and spot markets in memory: what a test sets."""

from collections.abc import Iterable
from datetime import datetime

from spawn.contracts.prices import PriceSource, Quote
from spawn.errors import Outcome


class FakePricing:
    """AWS's price list: `listed` is by region and type; `failure` ends every call."""

    def __init__(self) -> None:
        self.listed: dict[tuple[str, str], float] = {
            ("us-east-1", "t3.micro"): 0.0104,
            ("us-east-1", "t3.medium"): 0.0416,
            ("us-east-1", "m7i.large"): 0.1008,
        }
        self.failure: Outcome | None = None
        self.asked = 0

    async def on_demand(self, region: str, types: Iterable[str]) -> dict[str, float]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        wanted = {name: self.listed.get((region, name)) for name in types}
        return {name: usd for name, usd in wanted.items() if usd is not None}


class FakeMarkets:
    """The spot market of one region: prices by type and zone, scores by the id of the zone."""

    def __init__(self) -> None:
        self.spot_usd: dict[tuple[str, str], float] = {
            ("t3.micro", "us-east-1a"): 0.0031,
            ("t3.micro", "us-east-1b"): 0.0042,
            ("m7i.large", "us-east-1a"): 0.0403,
        }
        self.zone_scores: dict[str, int] = {"use1-az1": 7, "use1-az2": 3, "use1-az4": 9}

    async def spot_prices(
        self, types: Iterable[str], *, now: datetime
    ) -> dict[tuple[str, str], Quote]:
        wanted = set(types)
        return {
            key: Quote(usd=usd, source=PriceSource.LIVE, as_of=now)
            for key, usd in self.spot_usd.items()
            if key[0] in wanted
        }

    async def placement_scores(
        self, types: Iterable[str], *, count: int, region: str
    ) -> dict[str, int]:
        return dict(self.zone_scores) if list(types) and count and region else {}
