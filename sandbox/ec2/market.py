"""The spot market of the laptop cloud: what a pool costs at an instant, and how zones score."""

import math
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec

from sandbox.behaviour import ANY, SpotPrice, ZoneScore
from spawn.aws.snapshot import snapshot_quote, snapshot_region

_FILE = Path(__file__).with_name("markets.toml")
_OTHER = "other"
_HOUR = 3600


class _Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    price: float
    score: int


class _Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    swing: float
    hours: float


class _Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: dict[str, float]
    zones: dict[str, _Zone]
    curve: _Curve


class SpotMarket:
    """Prices and scores, as the file of figures or a scenario has them."""

    def __init__(self) -> None:
        self._prices: list[SpotPrice] = []
        self._scores: list[ZoneScore] = []

    def set_price(self, rule: SpotPrice) -> None:
        """Give pools another price; a later rule goes before an earlier one."""
        self._prices.insert(0, rule)

    def set_score(self, rule: ZoneScore) -> None:
        """Give zones another score; a later rule goes before an earlier one."""
        self._scores.insert(0, rule)

    def clear(self) -> None:
        """Go back to the file of figures."""
        self._prices.clear()
        self._scores.clear()

    def price(self, instance_type: str, zone: str, at: datetime) -> float | None:
        """Return what a pool costs in US dollars an hour, None when nobody knows its type."""
        for rule in self._prices:
            if rule.instance_type in {ANY, instance_type} and rule.zone in {ANY, zone}:
                return rule.usd
        # One list for every region: what spot costs here is made up anyway.
        on_demand = snapshot_quote(snapshot_region(), instance_type)
        if on_demand is None:
            return None
        figures = _figures()
        share = figures.share.get(instance_type[:1], figures.share[_OTHER])
        moved = 1 + figures.curve.swing * _swing(at, figures.curve.hours)
        return round(on_demand.usd * share * _zone(zone).price * moved, 4)

    def score(self, zone: str) -> int:
        """Return the score of a zone, from 1 to 10."""
        for rule in self._scores:
            if rule.zone in {ANY, zone}:
                return rule.score
        return _zone(zone).score


def _zone(name: str) -> _Zone:
    zones = _figures().zones
    return zones.get(name[-1:], zones[_OTHER])


def _swing(at: datetime, hours: float) -> float:
    """Return where a curve stands, from -1 to 1; it changes with the hour."""
    hour = at.timestamp() // _HOUR
    return math.sin(2 * math.pi * hour / hours)


@cache
def _figures() -> _Figures:
    return msgspec.toml.decode(_FILE.read_bytes(), type=_Figures)
