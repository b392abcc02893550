from datetime import timedelta

import pytest

from spawn.aws.session import open_aws
from spawn.aws.settings import AwsSettings
from spawn.errors import Rejected
from spawn.runtime.settings import load
from tests.fakes.clock import InstantClock


def test_settings_come_from_the_environment() -> None:
    environment = {
        "SPAWN_AWS_BUCKETS": "RunInstances=5/2,RunInstances.instances=50/2",
        "SPAWN_AWS_READ_TIMEOUT": "30s",
        "SPAWN_AWS_MAX_POOL_CONNECTIONS": "8",
    }
    settings = load(AwsSettings, prefix="SPAWN_AWS_", env=environment)
    assert settings.buckets == ("RunInstances=5/2", "RunInstances.instances=50/2")
    assert settings.read_timeout == timedelta(seconds=30)
    assert settings.max_pool_connections == 8


async def test_a_bucket_that_is_none_is_rejected_before_anything_is_opened() -> None:
    with pytest.raises(Rejected, match="RunInstances=5/2") as raised:
        async with open_aws(AwsSettings(buckets=("many",)), InstantClock()):
            pass
    assert raised.value.field == "SPAWN_AWS_BUCKETS"
