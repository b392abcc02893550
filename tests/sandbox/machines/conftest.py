"""A sandbox with real machines that the tests of this folder share."""

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.sandbox.conftest import QUICK
from tests.sandbox.launches import image
from tests.sandbox.machines.machines import Machines


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and sys.platform != "linux":
            item.add_marker(pytest.mark.skip(reason="real machines need Linux"))


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("real"), QUICK, machines="real") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def profile(real: RunningSandbox) -> str:
    """The name of an instance profile; its role has the same."""
    iam: Any = real.client("iam")
    iam.create_role(RoleName="workers", AssumeRolePolicyDocument="{}", Path="/spawn/")
    iam.create_instance_profile(InstanceProfileName="workers")
    iam.add_role_to_instance_profile(InstanceProfileName="workers", RoleName="workers")
    return "workers"


@pytest.fixture
def machines(real: RunningSandbox) -> Generator[Machines]:
    """Launches machines, and ends all that it has launched."""
    made = Machines(real, image(real))
    yield made
    made.end()
    real.admin.post("reset-behaviour")
