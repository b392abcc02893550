"""CreateTags and DeleteTags: moto's, with EC2's refusals before them."""

import msgspec

from sandbox.ec2 import xml
from sandbox.ec2.answer import Answer
from sandbox.ec2.checks import TAG_LIMIT
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.describe import by_ids
from sandbox.ec2.parameters import dry_run, read
from sandbox.ec2.region import RegionState
from sandbox.errors import AwsError
from sandbox.request import Call

_MOST_RESOURCES = 1000
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html"""


class OptionalTag(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A key with or without a value: DeleteTags tells the two apart."""

    key: str
    value: str | None = None


class Tagging(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Parameters of CreateTags and DeleteTags."""

    resources: tuple[str, ...] = ()
    tags: tuple[OptionalTag, ...] = ()
    dry_run: bool = False


def create_tags(call: Call, cloud: Cloud) -> Answer:
    """Answer CreateTags."""
    request = read(call, Tagging)
    region = cloud.region(call.account, call.region)
    _check(region, request)
    new = {tag.key: tag.value or "" for tag in request.tags}
    for resource in request.resources:
        if len({**region.tags(resource), **new}) > TAG_LIMIT:
            raise AwsError("TagLimitExceeded", "The maximum number of tags has been reached.")
    region.backend.create_tags(list(request.resources), new)
    return Answer(xml.done("CreateTags", call.request_id))


def delete_tags(call: Call, cloud: Cloud) -> Answer:
    """Answer DeleteTags: without a value whatever it is, without tags all of them."""
    request = read(call, Tagging)
    region = cloud.region(call.account, call.region)
    _check(region, request)
    for resource in request.resources:
        named = {tag.key: tag.value for tag in request.tags}
        gone = named or dict.fromkeys(region.tags(resource))
        region.backend.delete_tags([resource], gone)
    return Answer(xml.done("DeleteTags", call.request_id))


def _check(region: RegionState, request: Tagging) -> None:
    if not request.resources:
        raise AwsError("MissingParameter", "The request must contain the parameter resourceIdSet")
    if len(request.resources) > _MOST_RESOURCES:
        raise AwsError(
            "InvalidParameterValue", f"At most {_MOST_RESOURCES} resources can be named in a call"
        )
    for tag in request.tags:
        if tag.key.startswith("aws:"):
            raise AwsError(
                "InvalidParameterValue",
                "Tag keys starting with 'aws:' are reserved for internal use",
            )
    by_ids(region, [one for one in request.resources if one.startswith("i-")])
    others = [one for one in request.resources if not one.startswith("i-")]
    region.backend.do_resources_exist(others)
    if request.dry_run:
        raise dry_run()
