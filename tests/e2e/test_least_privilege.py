"""The services under exactly their policies of docs/iam/: enough to work, and nothing else."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from spawn.runtime.supervisor.specs import BUILT_AGENT
from tests.fixtures.least_privilege import Services, least_privileged

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

SCENARIO = {
    "throttle": {"enabled": False},
    "lifecycle": {"pending": 0.05, "shutting_down": 0.05},
    "signature": {"services": ["*"]},
}
LAUNCH = ("launch", "--instance-type", "t3.micro", "--region", "us-east-1")
PUT = (
    'python3 -c \'import boto3, os; boto3.client("s3").put_object('
    'Bucket="results", Key="out/" + os.environ["SPAWN_RANK"], Body=b"done")\''
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    folder = tmp_path_factory.mktemp("least")
    async with least_privileged(folder, SCENARIO, agent=BUILT_AGENT) as services:
        yield services


async def test_a_launch_with_a_grant_works(services: Services) -> None:
    services.cloud.client("s3").create_bucket(Bucket="results")
    launched = await services.run(
        *LAUNCH, "--count", "3", "--name", "least", "--keep", "--command", PUT,
        "--iam-policy", "s3:WriteOnly:results/out/*",
    )  # fmt: skip
    assert launched.code == 0, (launched.err, services.log("launcher"), services.log("iam_broker"))
    ended = await services.run("wait", "least", "--for", "finished")
    said = await services.run("status", "least", "--json")
    assert ended.code == 0, (ended.err, said.out)
    members = json.loads(said.out)["members"]
    assert [each["exit_code"] for each in members] == [0, 0, 0]
    listed = services.cloud.client("s3").list_objects_v2(Bucket="results")["Contents"]
    assert [each["Key"] for each in listed] == ["out/0", "out/1", "out/2"]


async def test_what_was_launched_is_ended(services: Services) -> None:
    gone = await services.run("terminate", "least", "--yes")
    assert gone.code == 0, gone.err
    found = services.cloud.client("ec2").describe_instances()
    states = [one["State"]["Name"] for each in found["Reservations"] for one in each["Instances"]]
    assert states == ["terminated"] * 3


async def test_nothing_was_refused_on_the_way(services: Services) -> None:
    said = services.log("launcher") + services.log("iam_broker")
    assert "not authorized" not in said
    assert "AccessDenied" not in said
