"""RunInstances: all that a launch uses and makes must be allowed, each by itself.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
"""

from collections.abc import Iterable
from typing import Any

from sandbox.ec2.parameters import Launch, convert, parse
from sandbox.ec2.templates import with_template
from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, Values, question, requested
from sandbox.iam.questions.ec2 import arn_of, known, specifications, tagging
from sandbox.iam.questions.passing import pass_role, profile_of

_RUN = "ec2:RunInstances"
_MADE = ("instance", "network-interface", "volume")


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a launch asks for."""
    parameters = with_template(asking.region, parse(asking.call))
    launch = convert(parameters, Launch)
    asked = launch.iam_instance_profile
    profile = None
    if asked is not None:
        profile = profile_of(asking, name=asked.name or "", arn=asked.arn or "")
    specified = specifications(parameters)
    common = _common(asking, launch, profile)
    for used in _used(asking, launch, parameters):
        yield question(_RUN, arn_of(asking, used), {**common, **known(asking, used)})
    if launch.key_name:
        yield question(_RUN, asking.arn("ec2", f"key-pair/{launch.key_name}"), common)
    for kind in (*_MADE, *_spot(specified)):
        context = {**common, **requested(specified.get(kind, {}))}
        yield question(_RUN, asking.arn("ec2", f"{kind}/*"), context)
    yield from tagging(asking, specified)
    yield from pass_role(asking, profile)


def _spot(specified: dict[str, dict[str, str]]) -> tuple[str, ...]:
    """Return the request for spot capacity, which is asked for by itself when it is tagged."""
    kind = "spot-instances-request"
    return (kind,) if kind in specified else ()


def _used(asking: Asking, launch: Launch, parameters: dict[str, Any]) -> Iterable[str]:
    nic = next(iter(launch.network_interfaces), dict[str, Any]())
    named: dict[str, dict[str, Any]] = asking.region.backend.groups
    groups: list[str] = [*launch.security_group_ids, *nic.get("Groups", [])]
    for by_vpc in named.values():
        groups += [one.id for one in by_vpc.values() if one.name in launch.security_groups]
    template = parameters.get("LaunchTemplate", {}).get("LaunchTemplateId")
    used = (launch.image_id, nic.get("SubnetId", launch.subnet_id), *groups, template)
    return dict.fromkeys(str(one) for one in used if one and "-" in one)


def _common(asking: Asking, launch: Launch, profile: Any) -> dict[str, Values]:
    call = asking.call
    zone = launch.placement.availability_zone
    tokens = launch.metadata_options.get("HttpTokens")
    given = {
        "ec2:region": str(call.region),
        "aws:requestedregion": str(call.region),
        "ec2:instancetype": launch.instance_type,
        "ec2:instancemarkettype": "spot" if launch.spot else "on-demand",
        "ec2:tenancy": launch.placement.tenancy,
        "ec2:ebsoptimized": str(launch.ebs_optimized).lower(),
        "ec2:availabilityzone": zone,
        "ec2:metadatahttptokens": tokens,
        "ec2:instanceprofile": None if profile is None else str(profile.arn),
    }
    return {key: (value,) for key, value in given.items() if value}
