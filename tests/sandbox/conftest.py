"""Sandboxes that several tests share, each with the pace that they need."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.sandbox.launches import image

QUICK = {
    "throttle": {"enabled": False},
    "lifecycle": {"pending": 0.05, "stopping": 0.05, "shutting_down": 0.05},
}


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    """A sandbox without throttling whose states change at once."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def cloud(quick: RunningSandbox) -> Generator[RunningSandbox]:
    """The quick sandbox, with its behaviours as they were at its start."""
    yield quick
    quick.admin.post("reset-behaviour")


@pytest.fixture(scope="session")
def ec2(quick: RunningSandbox) -> Any:
    """EC2 of the quick sandbox."""
    return quick.client("ec2")


@pytest.fixture(scope="session")
def ami(quick: RunningSandbox) -> str:
    """An image for x86_64."""
    return image(quick)
