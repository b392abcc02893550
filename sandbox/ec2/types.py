"""DescribeInstanceTypes and DescribeInstanceTypeOfferings: large lists of what never changes.

Each type's XML is written once, by botocore's model of the answer.
"""

from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from moto.core.utils import get_service_model
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

from sandbox.ec2 import xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.filters import Filter
from sandbox.ec2.parameters import dry_run, read
from sandbox.errors import AwsError
from sandbox.request import Call

_LEAST, _MOST = 5, 100
_MOST_OFFERINGS = 1000
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html"""


class Types(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Parameters of both calls."""

    instance_types: tuple[str, ...] = ()
    location_type: str = "region"
    filters: tuple[Filter, ...] = ()
    max_results: int | None = None
    next_token: str | None = None
    dry_run: bool = False


def describe_instance_types(call: Call, cloud: Cloud) -> Answer:
    """Answer DescribeInstanceTypes."""
    request = read(call, Types)
    region = cloud.region(call.account, call.region)
    if request.dry_run:
        raise dry_run()
    _check_known(request)
    found = region.backend.describe_instance_types(
        list(request.instance_types), {one.name: list(one.values) for one in request.filters}
    )
    names = [
        str(one["InstanceType"]) for one in found if region.zones_offering(one["InstanceType"])
    ]
    page, token = _page(names, request, most=_MOST)
    items = "".join(_item(name) for name in page)
    inner = f"<instanceTypeSet>{items}</instanceTypeSet>{token}"
    return Answer(xml.answer("DescribeInstanceTypes", call.request_id, inner))


def describe_instance_type_offerings(call: Call, cloud: Cloud) -> Answer:
    """Answer DescribeInstanceTypeOfferings."""
    request = read(call, Types)
    region = cloud.region(call.account, call.region)
    if request.dry_run:
        raise dry_run()
    if request.location_type not in INSTANCE_TYPE_OFFERINGS:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({request.location_type}) for parameter locationType is invalid.",
        )
    for one in request.filters:
        if one.name not in {"instance-type", "location"}:
            raise AwsError("InvalidParameterValue", f"The filter '{one.name}' is invalid")
    found: list[dict[str, str]] = region.backend.describe_instance_type_offerings(
        request.location_type, {one.name: list(one.values) for one in request.filters}
    )
    page, token = _page(found, request, most=_MOST_OFFERINGS)
    items = "".join(
        f"<item><instanceType>{one['InstanceType']}</instanceType><locationType>"
        f"{request.location_type}</locationType><location>{one['Location']}</location></item>"
        for one in page
    )
    inner = f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>{token}"
    return Answer(xml.answer("DescribeInstanceTypeOfferings", call.request_id, inner))


def _check_known(request: Types) -> None:
    unknown = [one for one in request.instance_types if one not in INSTANCE_TYPES]
    if unknown:
        raise AwsError(
            "InvalidInstanceType",
            f"The following supplied instance types do not exist: [{', '.join(unknown)}]",
        )


def _page(found: list[Any], request: Types, *, most: int) -> tuple[list[Any], str]:
    token = request.next_token or "0"
    if not token.isdecimal():
        raise AwsError("InvalidParameterValue", "Unable to parse pagination token")
    start = int(token)
    if request.max_results is None:
        return found[start:], ""
    if not _LEAST <= request.max_results <= most:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ( {request.max_results} ) for parameter maxResults is invalid. Expecting "
            f"a value from {_LEAST} to {most}.",
        )
    end = start + request.max_results
    more = f"<nextToken>{end}</nextToken>" if end < len(found) else ""
    return found[start:end], more


@lru_cache(maxsize=4096)
def _item(name: str) -> str:
    model: Any = get_service_model("ec2")
    output = model.operation_model("DescribeInstanceTypes").output_shape
    return _write(output.members["InstanceTypes"].member, "item", INSTANCE_TYPES[name])


def _write(shape: Any, name: str, value: Any) -> str:
    """Return `value` as XML in the form of botocore's `shape`."""
    if shape.type_name == "structure":
        inner = "".join(
            _write(member, member.serialization.get("name", key), value[key])
            for key, member in shape.members.items()
            if value.get(key) is not None
        )
    elif shape.type_name == "list":
        inside = shape.member.serialization.get("name", "item")
        inner = "".join(_write(shape.member, inside, one) for one in value)
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"
