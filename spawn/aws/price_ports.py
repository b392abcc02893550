"""Prices and markets as services name them: Protocols that the door and the fake both have."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from spawn.contracts.prices import Quote


class MarketsPort(Protocol):
    """EC2's spot market in one region. Every method raises an `Outcome`."""

    async def spot_prices(
        self, types: Iterable[str], *, now: datetime
    ) -> dict[tuple[str, str], Quote]:
        """Return the spot prices at `now`, by type and zone; what has none is left out."""
        ...

    async def placement_scores(
        self, types: Iterable[str], *, count: int, region: str
    ) -> dict[str, int]:
        """Return AWS's scores, 1 to 10, for `count` spot machines, by the id of the zone."""
        ...


class PricingPort(Protocol):
    """AWS's price list."""

    async def on_demand(self, region: str, types: Iterable[str]) -> dict[str, float]:
        """Return the prices of types in US dollars an hour; those without one are left out.

        Raises an `Outcome` when the list can't be read.
        """
        ...
