"""DescribeSpotPriceHistory, GetSpotPlacementScores and CancelSpotInstanceRequests."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from sandbox.ec2 import xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.parameters import dry_run, read
from sandbox.ec2.records import Pool
from sandbox.ec2.region import RegionState
from sandbox.errors import AwsError
from sandbox.request import Call

_LINUX = "Linux/UNIX"
_MOST = 1000
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html"""

_KEPT = timedelta(days=90)
_FEWEST_TYPES = 3
"""With fewer, the score is low whatever the market
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-sps-works.html)."""

_LOWEST = 1
_MOST_SCORES = 10
"""Only the best are told of."""


class History(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Parameters of DescribeSpotPriceHistory."""

    instance_types: tuple[str, ...] = ()
    product_descriptions: tuple[str, ...] = ()
    availability_zone: str | None = None
    start_time: datetime | None = None
    max_results: int | None = None
    next_token: str | None = None
    dry_run: bool = False


class Scores(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Parameters of GetSpotPlacementScores."""

    instance_types: tuple[str, ...] = ()
    target_capacity: int = 0
    single_availability_zone: bool = False
    region_names: tuple[str, ...] = ()
    dry_run: bool = False


class Cancel(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Parameters of CancelSpotInstanceRequests."""

    spot_instance_request_ids: tuple[str, ...] = ()
    dry_run: bool = False


class Price(NamedTuple):
    """One entry of a price history."""

    instance_type: str
    zone: str
    usd: float
    since: datetime


def describe_spot_price_history(call: Call, cloud: Cloud) -> Answer:
    """Answer DescribeSpotPriceHistory: an entry an hour, the newest first."""
    request = read(call, History)
    region = cloud.region(call.account, call.region)
    if request.dry_run:
        raise dry_run()
    token = request.next_token or "0"
    if not token.isdecimal():
        raise AwsError("InvalidParameterValue", "Unable to parse pagination token")
    wanted = not request.product_descriptions or _LINUX in request.product_descriptions
    found = list(_prices(cloud, region, request)) if wanted else []
    start, most = int(token), request.max_results or _MOST
    more = f"<nextToken>{start + most}</nextToken>" if start + most < len(found) else ""
    items = "".join(map(_item, found[start : start + most]))
    inner = f"<spotPriceHistorySet>{items}</spotPriceHistorySet>{more}"
    return Answer(xml.answer(call.action, call.request_id, inner))


def get_spot_placement_scores(call: Call, cloud: Cloud) -> Answer:
    """Answer GetSpotPlacementScores: by zone or by region, the best first."""
    request = read(call, Scores)
    if request.dry_run:
        raise dry_run()
    if request.target_capacity < 1:
        raise AwsError("InvalidParameterValue", "TargetCapacity must be 1 or more")
    here = cloud.region(call.account, call.region)
    names = request.region_names or (str(here.name),)
    scored = [one for name in names for one in _scored(cloud, call, name, request)]
    scored.sort(key=lambda one: -one[2])
    items = "".join(
        f"<item><region>{name}</region>"
        + (f"<availabilityZoneId>{zone}</availabilityZoneId>" if zone else "")
        + f"<score>{score}</score></item>"
        for name, zone, score in scored[:_MOST_SCORES]
    )
    inner = f"<spotPlacementScoreSet>{items}</spotPlacementScoreSet>"
    return Answer(xml.answer(call.action, call.request_id, inner))


def cancel_spot_instance_requests(call: Call, cloud: Cloud) -> Answer:
    """Answer CancelSpotInstanceRequests: instances go on, and none is ever made in their place."""
    request = read(call, Cancel)
    region = cloud.region(call.account, call.region)
    known = {record.spot_request for record in region.records.by_id.values()}
    unknown = [one for one in request.spot_instance_request_ids if one not in known]
    if unknown:
        message = f"The spot instance request ID '{unknown[0]}' does not exist"
        raise AwsError("InvalidSpotInstanceRequestID.NotFound", message)
    if request.dry_run:
        raise dry_run()
    items = "".join(
        f"<item><spotInstanceRequestId>{one}</spotInstanceRequestId><state>cancelled</state></item>"
        for one in request.spot_instance_request_ids
    )
    inner = f"<spotInstanceRequestSet>{items}</spotInstanceRequestSet>"
    return Answer(xml.answer(call.action, call.request_id, inner))


def _prices(cloud: Cloud, region: RegionState, request: History) -> Iterator[Price]:
    now = cloud.clock.now()
    for at in _hours(request.start_time or now, now):
        for name in request.instance_types:
            for zone in sorted(region.zones_offering(name)):
                usd = cloud.market.price(name, zone, at)
                if usd is not None and request.availability_zone in {None, zone}:
                    yield Price(name, zone, usd, at)


def _hours(start: datetime, now: datetime) -> Iterator[datetime]:
    """Yield the hours from now back to that of `start`: the price that held then is told, too."""
    begun = start if start.tzinfo else start.replace(tzinfo=UTC)
    first = max(begun, now - _KEPT).replace(minute=0, second=0, microsecond=0)
    hour = now.replace(minute=0, second=0, microsecond=0)
    while hour >= first:
        yield hour
        hour -= timedelta(hours=1)


def _item(price: Price) -> str:
    return (
        f"<item><instanceType>{price.instance_type}</instanceType>"
        f"<productDescription>{_LINUX}</productDescription><spotPrice>{price.usd:.6f}</spotPrice>"
        f"<timestamp>{price.since:%Y-%m-%dT%H:%M:%S}.000Z</timestamp>"
        f"<availabilityZone>{price.zone}</availabilityZone></item>"
    )


def _scored(cloud: Cloud, call: Call, name: str, request: Scores) -> list[tuple[str, str, int]]:
    region = cloud.region(call.account, type(call.region)(name))
    zones = region.backend.describe_availability_zones()
    scores = [
        (name, str(zone.zone_id), _score(cloud, str(zone.name), request.instance_types))
        for zone in zones
    ]
    if request.single_availability_zone or not scores:
        return scores
    return [(name, "", max(score for _, _, score in scores))]


def _score(cloud: Cloud, zone: str, types: tuple[str, ...]) -> int:
    pools = [Pool("spot", name, zone) for name in types]
    if len(types) < _FEWEST_TYPES or all(cloud.capacity.free(each) == 0 for each in pools):
        return _LOWEST
    return cloud.market.score(zone)
