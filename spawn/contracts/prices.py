"""Prices and what is made of them: an estimate that says where it comes from, or 'unknown'."""

from datetime import datetime
from enum import StrEnum

import msgspec

from spawn.contracts.ids import ArrayId

API_COST = "spawn.api.launcher.cost"


class PriceSource(StrEnum):
    """Where a price comes from: asked just now, AWS's price list, or the list in this release."""

    LIVE = "live"
    LISTED = "listed"
    SNAPSHOT = "snapshot"


class UnknownCost(StrEnum):
    """What becomes of a launch whose costs are limited and not known."""

    REFUSE = "refuse"
    ALLOW = "allow"


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The price of one machine for an hour in US dollars, and since when it is known."""

    usd: float
    source: PriceSource
    as_of: datetime


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What machines cost in an hour, in US dollars.

    `hourly_usd` is absent when one of them has no price, which `unknown` then names; so is
    `on_demand_usd`, what the same machines would cost without spot. `as_of` and `sources` are of
    the prices that were used, the oldest first.
    """

    machines: int
    spot: int = 0
    hourly_usd: float | None = None
    on_demand_usd: float | None = None
    unknown: tuple[str, ...] = ()
    sources: tuple[PriceSource, ...] = ()
    as_of: datetime | None = None

    @property
    def savings(self) -> float | None:
        """The part of the on-demand price that spot saves, 0 to 1; None where it is not known."""
        if not self.spot or self.hourly_usd is None or not self.on_demand_usd:
            return None
        return 1 - self.hourly_usd / self.on_demand_usd


class CostRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask what the machines that an array has now cost in an hour; answered by an `Estimate`."""

    array_id: ArrayId
