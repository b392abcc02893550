"""Finding out prices: AWS's answer of now, its list of today, the release's, or none."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from services.launcher.model import ListedQuotes, Places, Prices, SpotQuotes
from services.launcher.plan.markets import wants_prices, wants_scores
from services.launcher.ports import World
from spawn.aws.snapshot import snapshot_quote
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.prices import PriceSource, Quote
from spawn.errors import Outcome
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

_LISTED = timedelta(days=1)
"""How long a price of AWS's list is used again: lists change a few times in a year."""

_UNLISTED = timedelta(minutes=10)
"""How long a list that can't be read is left alone; the release's prices stand in for it."""

_SPOT = timedelta(minutes=1)
"""How long spot prices are used again: AWS changes them slowly
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-history.html)."""

_PATIENCE = timedelta(seconds=4)
"""How long prices may take; without them a launch goes on and says that they are unknown."""


async def find_prices(world: World, region: str, types: Iterable[str], *, spot: bool) -> Prices:
    """Return the prices of types that can be found out within a few seconds; never fails."""
    names = tuple(sorted(set(types)))
    async with asyncio.TaskGroup() as group:
        plain = group.create_task(_on_demand(world, region, names))
        spots = group.create_task(_spot(world, region, names if spot else ()))
    return Prices(on_demand=plain.result(), spot=spots.result())


async def appraise(world: World, spec: LaunchSpec, places: Places) -> Places:
    """Return places with the prices and scores by which the launch orders its pools."""
    if wants_prices(spec):
        prices = await find_prices(world, spec.region, places.types, spot=spec.uses_spot)
        places = msgspec.structs.replace(places, prices=prices)
    if wants_scores(spec):
        places = msgspec.structs.replace(places, scores=await _scores(world, spec, places))
    return places


async def _on_demand(world: World, region: str, names: tuple[str, ...]) -> dict[str, Quote]:
    now, known = world.clock.now(), world.memory.listed
    missing = [name for name in names if known.get((region, name), (now, None))[0] <= now]
    if missing:
        known.update(await _listed(world, region, missing))
    quotes = {name: known[region, name][1] for name in names}
    return {name: quote for name, quote in quotes.items() if quote is not None}


async def _listed(world: World, region: str, names: list[str]) -> ListedQuotes:
    now = world.clock.now()
    found: dict[str, float] = {}
    fresh = _LISTED
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            found = await world.aws.pricing().on_demand(region, names)
    except (Outcome, TimeoutError) as error:
        _log.info("the price list can't be read", why=str(error) or "no answer")
        fresh = _UNLISTED
    quotes = {
        name: Quote(usd=found[name], source=PriceSource.LISTED, as_of=now)
        if name in found
        else snapshot_quote(region, name)
        for name in names
    }
    return {(region, name): (now + fresh, quote) for name, quote in quotes.items()}


async def _spot(world: World, region: str, names: tuple[str, ...]) -> SpotQuotes:
    if not names:
        return {}
    now, known = world.clock.now(), world.memory.spot_prices
    kept = known.get((region, names))
    if kept is not None and kept[0] > now:
        return kept[1]
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            found = await world.aws.ec2(region).spot_prices(names, now=now)
    except (Outcome, TimeoutError) as error:
        _log.info("spot prices are unknown", why=str(error) or "no answer")
        return {}
    known[region, names] = (now + _SPOT, found)
    return found


async def _scores(world: World, spec: LaunchSpec, places: Places) -> dict[str, int]:
    """Return the scores of zones; none when AWS gives none: the order is then the launch's own."""
    ec2 = world.aws.ec2(spec.region)
    types = [name for name in places.types if name in places.spot_types]
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            scored = await ec2.placement_scores(types, count=spec.spot_size, region=spec.region)
    except (Outcome, TimeoutError) as error:
        _log.info("zones have no scores", why=str(error) or "no answer")
        return {}
    return {zone: scored[id_] for zone, id_ in places.zone_ids.items() if id_ in scored}
