"""What EC2 says of a new instance profile, second by second."""

import random
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from moto.iam.models import iam_backends

from sandbox.behaviour import Lifecycle, seconds
from sandbox.ec2 import profiles
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.parameters import Profile
from sandbox.ec2.timeline import Timeline
from sandbox.errors import AwsError
from sandbox.request import AccountId, Region
from spawn.clock import SystemClock
from tests.fakes.clock import VirtualClock

ACCOUNT = AccountId("444455556666")


def made(cloud: Cloud) -> Any:
    """Make a profile with its role at once, as the broker does."""
    iam: Any = iam_backends[ACCOUNT]["aws"]
    iam.create_role("new", "{}", "/spawn/", None, "", [], None)
    profile = iam.create_instance_profile(name="new", path="/spawn/", role_names=["new"])
    cloud.role_attached_at[profile.id] = cloud.clock.monotonic()
    return profile


def test_first_it_is_unknown_then_without_its_role_then_it_serves() -> None:
    clock = VirtualClock(SystemClock().now())
    cloud = Cloud(
        clock,
        randomness=random.Random(1),
        on_state=Mock(),
        timeline=Timeline(on_sooner=lambda: None),
    )
    cloud.timings = cloud.timings.changed(Lifecycle(profile_propagation=seconds(30)))
    profile = made(cloud)
    region = cloud.region(ACCOUNT, Region("us-east-1"))
    for text in ("Invalid IAM Instance Profile name", "has no associated IAM Roles"):
        with pytest.raises(AwsError, match=text):
            profiles.find(cloud, region, Profile(name="new"))
        clock.move(timedelta(seconds=16))
    assert profiles.find(cloud, region, Profile(name="new")) is profile
