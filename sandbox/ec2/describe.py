"""DescribeInstances and DescribeInstanceStatus, in time proportional to what they return."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from itertools import groupby

from sandbox.ec2 import filters, xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.filters import Subject
from sandbox.ec2.parameters import Describe, dry_run, read
from sandbox.ec2.records import InstanceId, Record
from sandbox.ec2.region import RegionState
from sandbox.ec2.states import State
from sandbox.errors import AwsError
from sandbox.request import Call

_LEAST, _MOST = 5, 1000
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""

_ID = re.compile(r"i-[0-9a-f]{8,17}")


def describe_instances(call: Call, cloud: Cloud) -> Answer:
    """Answer DescribeInstances."""
    request = read(call, Describe)
    region = cloud.region(call.account, call.region)
    found, token = _page(_select(cloud, region, request), request)
    sets = (
        f"<item>{xml.reservation(region.account, reservation, _items(region, members))}</item>"
        for reservation, members in groupby(found, key=lambda record: record.reservation)
    )
    inner = f"<reservationSet>{''.join(sets)}</reservationSet>{_token(token)}"
    return Answer(xml.answer("DescribeInstances", call.request_id, inner))


def describe_instance_status(call: Call, cloud: Cloud) -> Answer:
    """Answer DescribeInstanceStatus: running instances, or all when it is asked for."""
    request = read(call, Describe)
    region = cloud.region(call.account, call.region)
    selected = _select(cloud, region, request)
    if not request.include_all_instances:
        selected = [record for record in selected if record.state is State.RUNNING]
    found, token = _page(selected, request)
    items = "".join(xml.status(record) for record in found)
    inner = f"<instanceStatusSet>{items}</instanceStatusSet>{_token(token)}"
    return Answer(xml.answer("DescribeInstanceStatus", call.request_id, inner))


def by_ids(
    region: RegionState, ids: Iterable[str], *, visible_at: float | None = None
) -> list[Record]:
    """Return records by id, each once, in the order of `ids`.

    Raises `AwsError` InvalidInstanceID.Malformed or .NotFound naming every unknown id; with
    `visible_at`, an instance that Describe does not see yet counts as unknown.
    """
    wanted = list(dict.fromkeys(ids))
    malformed = [one for one in wanted if _ID.fullmatch(one) is None]
    if malformed:
        raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{malformed[0]}"')
    found: list[Record] = []
    unknown: list[str] = []
    for one in wanted:
        record = region.records.by_id.get(InstanceId(one))
        if record is None or (visible_at is not None and record.visible_from > visible_at):
            unknown.append(one)
        else:
            found.append(record)
    if unknown:
        noun, verb = ("ID", "does") if len(unknown) == 1 else ("IDs", "do")
        names = ", ".join(unknown)
        raise AwsError(
            "InvalidInstanceID.NotFound", f"The instance {noun} '{names}' {verb} not exist"
        )
    return found


def _select(cloud: Cloud, region: RegionState, request: Describe) -> list[Record]:
    _check(request)
    now = cloud.clock.monotonic()
    if request.instance_ids:
        base: Iterable[Record] = by_ids(region, request.instance_ids, visible_at=now)
    else:
        base = filters.candidates(region.records, request.filters)
    found = [
        record
        for record in base
        if record.visible_from <= now
        and filters.matches(request.filters, Subject(record, region.tags(record.id)))
    ]
    return sorted(found, key=lambda record: record.number)


def _check(request: Describe) -> None:
    filters.check(request.filters)
    if request.dry_run:
        raise dry_run()
    if request.max_results is None:
        return
    if request.instance_ids:
        raise AwsError(
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        )
    if not _LEAST <= request.max_results <= _MOST:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ( {request.max_results} ) for parameter maxResults is invalid. Expecting "
            f"a value from {_LEAST} to {_MOST}.",
        )


def _page(found: list[Record], request: Describe) -> tuple[list[Record], str | None]:
    if request.next_token:
        after = _position(request.next_token)
        found = [record for record in found if record.number > after]
    if request.max_results is None or len(found) <= request.max_results:
        return found, None
    page = found[: request.max_results]
    return page, urlsafe_b64encode(f"after:{page[-1].number}".encode()).decode()


def _position(token: str) -> int:
    try:
        kind, _, number = urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "after":
            return int(number)
    except (Base64Error, ValueError) as error:
        raise _bad_token() from error
    raise _bad_token()


def _bad_token() -> AwsError:
    return AwsError("InvalidParameterValue", "Unable to parse pagination token")


def _token(token: str | None) -> str:
    return "" if token is None else f"<nextToken>{token}</nextToken>"


def _items(region: RegionState, members: Iterable[Record]) -> Iterable[str]:
    return (xml.instance(record, region.tags(record.id)) for record in members)
