"""Pools: where capacity is asked for."""

from enum import StrEnum

import msgspec


class Market(StrEnum):
    """How an instance is paid for."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"


class Allocation(StrEnum):
    """What orders the pools of a launch: its own order of types, price, or AWS's scores."""

    PRIORITIZED = "prioritized"
    LOWEST_PRICE = "lowest-price"
    CAPACITY = "capacity"


FEWEST_SCORED = 3
"""Types below which AWS scores every placement low
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-sps-works.html)."""


class Pool(msgspec.Struct, frozen=True):
    """A market, an instance type and an availability zone, with the subnet that stands for it."""

    market: Market
    instance_type: str
    zone: str
    subnet_id: str

    def __str__(self) -> str:
        """Write the pool as people read it, e.g. `on-demand m7i.large us-east-1a`."""
        return f"{self.market} {self.instance_type} {self.zone}"


class Refusal(msgspec.Struct, frozen=True):
    """What a pool answered when it had no (or not enough) capacity for an array."""

    pool: Pool
    code: str
    message: str
    asked: int
    launched: int
