"""Instance profiles as RunInstances sees them: late, and with its own error texts."""

from datetime import UTC
from typing import Any

from moto.iam.models import iam_backends

from sandbox.ec2.cloud import Cloud
from sandbox.ec2.parameters import Profile
from sandbox.ec2.region import RegionState
from sandbox.errors import AwsError


def find(cloud: Cloud, region: RegionState, asked: Profile) -> Any:
    """Return moto's profile. Raises `AwsError` InvalidParameterValue while EC2 cannot use it.

    EC2 learns of the profile in the first half of the delay, of its role in the second.
    """
    profile = _look_up(region, asked)
    delay = cloud.draw(cloud.timings.profile_propagation)
    if profile is not None:
        created = profile.create_date.replace(tzinfo=UTC)
        if (cloud.clock.now() - created).total_seconds() < delay / 2:
            profile = None
    if profile is None:
        what, value = ("ARN", asked.arn) if asked.arn else ("name", asked.name)
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({value}) for parameter iamInstanceProfile.{what.lower()} is invalid. "
            f"Invalid IAM Instance Profile {what}",
        )
    attached = cloud.role_attached_at.get(profile.id, float("-inf"))
    if not profile.roles or cloud.clock.monotonic() - attached < delay:
        raise AwsError(
            "InvalidParameterValue",
            f'IAM Instance Profile "{profile.arn}" has no associated IAM Roles',
        )
    return profile


def _look_up(region: RegionState, asked: Profile) -> Any:
    profiles: dict[str, Any] = iam_backends[region.account]["aws"].instance_profiles
    for profile in profiles.values():
        if asked.arn is not None and profile.arn != asked.arn:
            continue
        if asked.name is not None and profile.name != asked.name:
            continue
        return profile
    return None
