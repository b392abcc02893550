"""EC2's calls: what exists is asked for with its tags, what is made with those it is given.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from sandbox.ec2.parameters import TagSpecification, convert, parse
from sandbox.ec2.records import InstanceId
from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, Values, carried, question, requested, tag_list
from sandbox.iam.questions.passing import pass_role, profile_of

_KIND_OF = {
    "i": "instance",
    "ami": "image",
    "snap": "snapshot",
    "subnet": "subnet",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "vpc": "vpc",
    "vol": "volume",
    "eni": "network-interface",
    "lt": "launch-template",
    "key": "key-pair",
    "sir": "spot-instances-request",
    "fleet": "fleet",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "eipalloc": "elastic-ip",
    "vpce": "vpc-endpoint",
}
_ID = re.compile(r"([a-z]+)-[0-9a-f]{8,17}")
_UNOWNED = frozenset({"image", "snapshot"})
"""Kinds whose ARNs name no account."""

_MADE_BY = {
    "CreateSecurityGroup": "security-group",
    "CreateKeyPair": "key-pair",
    "ImportKeyPair": "key-pair",
    "CreateLaunchTemplate": "launch-template",
    "CreateVolume": "volume",
    "CreateImage": "image",
    "CreateSnapshot": "snapshot",
    "CreateFleet": "fleet",
    "CreateVpc": "vpc",
    "CreateSubnet": "subnet",
    "CreateNetworkInterface": "network-interface",
    "RequestSpotInstances": "spot-instances-request",
}
_READ_ONE = frozenset({"GetConsoleOutput", "GetConsoleScreenshot", "GetPasswordData"})
"""Calls that read, and yet are allowed by resource."""

_READS = ("Describe", "Get", "List", "Search")


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a call asks for."""
    call = asking.call
    action = f"ec2:{call.action}"
    here = {"ec2:region": (str(call.region),), "aws:requestedregion": (str(call.region),)}
    if call.action.startswith(_READS) and call.action not in _READ_ONE:
        yield question(action, context=here)
        return
    parameters = parse(call)
    made = _MADE_BY.get(call.action)
    found = dict.fromkeys(_ids(parameters))
    if made is None and not found:
        yield question(action, context=here)
    new = tag_list(parameters.get("Tags", ()))
    for one in found:
        context = {**here, **known(asking, one), **requested(new)}
        yield question(action, arn_of(asking, one), context)
    if made is not None:
        yield from _making(asking, action, made, parameters)
    yield from _passing(asking, parameters)


def _making(
    asking: Asking, action: str, kind: str, parameters: Mapping[str, Any]
) -> Iterable[Question]:
    here = {"ec2:region": (str(asking.call.region),)}
    name = str(parameters.get("KeyName", "*")) if kind == "key-pair" else "*"
    resource = asking.arn("ec2", f"{kind}/{name}", owned=kind not in _UNOWNED)
    specified = specifications(parameters)
    yield question(action, resource, {**here, **requested(specified.get(kind, {}))})
    yield from tagging(asking, specified)


def specifications(parameters: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the tags that a call gives to what it makes, by kind of resource."""
    given = cast("list[dict[str, Any]]", parameters.get("TagSpecifications", []))
    read = [convert(one, TagSpecification) for one in given]
    return {one.resource_type: {tag.key: tag.value for tag in one.tags} for one in read}


def tagging(asking: Asking, specified: Mapping[str, Mapping[str, str]]) -> Iterable[Question]:
    """Yield the questions for tags that are set by the call that makes their resources.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    call = asking.call
    for kind, tags in specified.items():
        resource = asking.arn("ec2", f"{kind}/*", owned=kind not in _UNOWNED)
        context = {
            "ec2:createaction": (call.action,),
            "ec2:region": (str(call.region),),
            **requested(tags),
        }
        yield question("ec2:CreateTags", resource, context)


def _passing(asking: Asking, parameters: Mapping[str, Any]) -> Iterable[Question]:
    """Yield the question for the role of a profile that a call gives to an instance."""
    asked = parameters.get("IamInstanceProfile")
    if isinstance(asked, dict):
        named = cast("dict[str, str]", asked)
        profile = profile_of(asking, name=named.get("Name", ""), arn=named.get("Arn", ""))
        yield from pass_role(asking, profile)


def _ids(parameters: Mapping[str, Any]) -> Iterable[str]:
    for name, value in parameters.items():
        if name in {"ClientToken", "UserData", "Tags", "TagSpecifications"}:
            continue
        values = cast("list[Any]", value) if isinstance(value, list) else [value]
        for one in values:
            found = _ID.fullmatch(one) if isinstance(one, str) else None
            if found is not None and found[1] in _KIND_OF:
                yield found[0]


def arn_of(asking: Asking, resource_id: str) -> str:
    """Return the ARN of a resource by its id, whether it exists or not."""
    kind = _KIND_OF[resource_id.partition("-")[0]]
    return asking.arn("ec2", f"{kind}/{resource_id}", owned=kind not in _UNOWNED)


def known(asking: Asking, resource_id: str) -> dict[str, Values]:
    """Return the conditions of a resource that exists; none where it doesn't."""
    region = asking.region
    tags = carried(region.tags(resource_id), service="ec2")
    record = region.records.by_id.get(InstanceId(resource_id))
    if record is not None:
        return {
            **tags,
            "ec2:instancetype": (record.pool.instance_type,),
            "ec2:availabilityzone": (record.pool.zone,),
            "ec2:instanceid": (resource_id,),
            "ec2:instancemarkettype": (record.pool.market,),
            **_profile_arn(record.model.iam_instance_profile),
        }
    return {**tags, **_in_vpc(asking, resource_id)}


def _profile_arn(named: Any) -> dict[str, Values]:
    return {"ec2:instanceprofile": (str(named["Arn"]),)} if named else {}


def _in_vpc(asking: Asking, resource_id: str) -> dict[str, Values]:
    backend = asking.region.backend
    found: Any = None
    if resource_id.startswith("sg-"):
        found = backend.get_security_group_from_id(resource_id)
    elif resource_id.startswith("subnet-"):
        known_subnets: dict[str, dict[str, Any]] = backend.subnets
        found = next(
            (each[resource_id] for each in known_subnets.values() if resource_id in each), None
        )
    if found is None:
        return {}
    return {"ec2:vpc": (asking.arn("ec2", f"vpc/{found.vpc_id}"),)}
