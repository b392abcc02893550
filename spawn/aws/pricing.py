"""AWS's public price list: what machines cost on demand."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import msgspec

from spawn.aws.calls import Calls
from spawn.errors import Outcome, first_outcome

REGION = "us-east-1"
"""Where the price list of every region is asked for; few regions have one
(https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-list-query-api.html)."""

_MATCHING = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
"""What tells the plain price of a type from those of licences, reservations and hosts."""

_PAGE = 10


class PricingClient(Protocol):
    """As much of the client as is used: stubs for it are not among those installed."""

    async def get_products(self, **query: Any) -> dict[str, Any]:
        """Return a page of the price list."""
        ...


class Pricing:
    """The price list."""

    def __init__(self, client: Callable[[], Awaitable[PricingClient]], calls: Calls) -> None:
        self._client = client
        self._calls = calls

    async def on_demand(self, region: str, types: Iterable[str]) -> dict[str, float]:
        """Return the prices of types in US dollars an hour; those without one are left out.

        Raises an `Outcome` when the list can't be read.
        """
        names = list(dict.fromkeys(types))
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._price(region, name)) for name in names]
        except* Outcome as outcomes:
            raise first_outcome(outcomes) from None
        found = zip(names, (task.result() for task in asked), strict=True)
        return {name: usd for name, usd in found if usd is not None}

    async def _price(self, region: str, instance_type: str) -> float | None:
        wanted = {**_MATCHING, "regionCode": region, "instanceType": instance_type}
        filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in wanted.items()]

        async def call() -> dict[str, Any]:
            client = await self._client()
            return await client.get_products(
                ServiceCode="AmazonEC2", Filters=filters, MaxResults=_PAGE
            )

        products = (await self._calls.repeat("GetProducts", call)).get("PriceList", [])
        return next((usd for each in products if (usd := price_of(each)) is not None), None)


class _Dimension(msgspec.Struct, rename="camel"):
    unit: str = ""
    price_per_unit: dict[str, str] = {}

    @property
    def is_hourly(self) -> bool:
        """Whether it is asked for by the hour."""
        return self.unit == "Hrs"


class _Term(msgspec.Struct, rename="camel"):
    price_dimensions: dict[str, _Dimension] = {}


class _Terms(msgspec.Struct):
    on_demand: dict[str, _Term] = msgspec.field(default_factory=dict[str, _Term], name="OnDemand")


class _Product(msgspec.Struct):
    terms: _Terms = msgspec.field(default_factory=_Terms)


def price_of(product: str) -> float | None:
    """Read the hourly price in US dollars out of one entry of the list, None when it has none.

    A price of nothing is none: AWS lists some that it doesn't sell.
    """
    try:
        terms = msgspec.json.decode(product, type=_Product).terms.on_demand
        dimensions = [one for term in terms.values() for one in term.price_dimensions.values()]
        prices = [float(one.price_per_unit.get("USD", "0")) for one in dimensions if one.is_hourly]
    except (msgspec.DecodeError, ValueError):
        return None
    return next((usd for usd in prices if usd > 0), None)
