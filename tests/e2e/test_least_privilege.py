"""The services under exactly their policies of docs/iam/: enough to work, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from spawn.runtime.supervisor.specs import BUILT_AGENT
from tests.fixtures import canaries
from tests.fixtures.least_privilege import Services, least_privileged

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

SCENARIO = {
    "throttle": {"enabled": False},
    "lifecycle": {"pending": 0.05, "shutting_down": 0.05},
    "signature": {"services": ["*"]},
}
LAUNCH = ("launch", "--instance-type", "t3.micro", "--region", "us-east-1")
GIVEN = "given.json"
JOB = f"""python3 - <<"PY"
import boto3, json, os
done = "out/" + os.environ["SPAWN_RANK"]
boto3.client("s3").put_object(Bucket="results", Key=done, Body=b"done")
key = boto3.Session().get_credentials().get_frozen_credentials()
given = dict(zip(("AccessKeyId", "SecretAccessKey", "SessionToken"), key))
with open(os.environ["SPAWN_ROOT"] + "/{GIVEN}", "w") as file:
    json.dump(given, file)
print("credentials of", boto3.client("sts").get_caller_identity()["Arn"])
PY
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    folder = tmp_path_factory.mktemp("least")
    async with least_privileged(folder, SCENARIO, agent=BUILT_AGENT) as services:
        yield services


async def test_a_dry_run_tries_the_call_and_is_allowed_it(services: Services) -> None:
    planned = await services.run(*LAUNCH, "--name", "tried", "--dry-run")
    assert planned.code == 0, (planned.err, services.log("launcher"))
    state = await asyncio.to_thread(services.cloud.admin.state)
    assert state["regions"]["us-east-1"]["calls"]["ec2.RunInstances"] == 1
    assert [each["code"] for each in state["launches"]] == ["DryRunOperation"]


async def test_a_launch_with_a_grant_works(services: Services) -> None:
    services.cloud.client("s3").create_bucket(Bucket="results")
    launched = await services.run(
        *LAUNCH, "--count", "3", "--name", "least", "--keep", "--command", JOB,
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


@pytest.mark.parametrize(
    ("allocation", "first"),
    [
        pytest.param("lowest-price", "t3.micro us-east-1c", id="by price"),
        pytest.param("capacity", "t3.small us-east-1d", id="by score"),
    ],
)
async def test_prices_and_scores_may_be_looked_at(
    services: Services, allocation: str, first: str
) -> None:
    shown = await services.run(
        "launch", "--region", "us-east-1", "--instance-type", "t3.small,t3.micro,t3.medium",
        "--count", "4", "--spot-count", "3", "--allocation", allocation, "--dry-run", "--json",
    )  # fmt: skip
    assert shown.code == 0, (shown.err, services.log("launcher"))
    plan = json.loads(shown.out)
    assert sorted(plan["cost"]["sources"]) == ["listed", "live"]
    assert plan["hourly_usd"] < plan["cost"]["on_demand_usd"]
    pool = plan["pools"][0]
    assert (pool["market"], f"{pool['instance_type']} {pool['zone']}") == ("spot", first)


async def test_no_secret_stands_where_others_read(services: Services) -> None:
    home, cloud = services.doors.home, services.cloud
    secrets = canaries.of_the_bus(home) | {
        "admin token": cloud.admin.token,
        "the account's own secret": cloud.secret_access_key,
        "the account's own key": cloud.access_key_id,
    }
    for name, given in services.credentials.items():
        secrets |= canaries.of_keys(name, given)
    machines = list((cloud.state / "machines").glob(f"*/root/{GIVEN}"))
    assert len(machines) == 3
    for path in machines:
        secrets |= canaries.of_keys(path.parts[-3], json.loads(path.read_text()))
    assert all(len(secret) > 12 for secret in secrets.values())
    places = [
        *canaries.files(home.root, but=GIVEN),
        *canaries.files(cloud.state, but=GIVEN),
        *canaries.of_the_cloud(cloud),
    ]
    # That it looks where such things would be: in streams, buckets, logs and user-data.
    known = {
        name: canaries.found({"array": "least", "agent": "agent"}, content)
        for name, content in places
    }
    for part in ("jetstream", "logs/launcher.log", "console.log", "user-data of", "instance i-"):
        assert any(part in name and seen for name, seen in known.items()), part
    leaks = {name: canaries.found(secrets, content) for name, content in places}
    assert {name: seen for name, seen in leaks.items() if seen} == {}


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
