"""The door, opened on an endpoint that says what the test wants."""

from collections.abc import AsyncGenerator

import pytest

from spawn.aws.session import Aws, open_aws
from spawn.aws.settings import AwsSettings
from tests.fakes.clock import InstantClock
from tests.fixtures.canned_aws import REGION, CannedAws, canned_aws


@pytest.fixture
async def cloud(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[CannedAws]:
    """An AWS endpoint, and an environment that points to it."""
    async with canned_aws() as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        yield cloud


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
async def aws(cloud: CannedAws, clock: InstantClock) -> AsyncGenerator[Aws]:
    """The door, in a world where waiting takes no time."""
    async with open_aws(AwsSettings(), clock) as aws:
        yield aws
