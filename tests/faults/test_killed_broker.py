"""The broker killed before and after each of its calls of IAM: a grant is whole, or is not."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from spawn.bus.requests import Requests
from spawn.contracts.grants import (
    API_COLLECT,
    API_ENSURE,
    CollectedGrants,
    CollectGrants,
    Grant,
    GrantRequest,
)
from spawn.errors import Transient
from tests.faults.counting import Kill, When
from tests.faults.plant import POLL, Plant, planted
from tests.faults.scale import FIGURES, TORTURE, side_by_side
from tests.fixtures.sandbox import RunningSandbox

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900 if TORTURE else 300)]

T = TypeVar("T")

ASKED = GrantRequest(policies=("s3:ReadOnly:my-bucket", "logs:WriteOnly"))
MAKING = ("create_role", "put_policy", "create_instance_profile", "add_role")
REMOVING = ("remove_role", "delete_instance_profile", "delete_policy", "delete_role")
"""Calls that change something, in order."""

_SOON = timedelta(seconds=1)
"""The answer of a process that is killed never comes."""

EVERY = 1 if TORTURE else 5


@asynccontextmanager
async def succeeded(plant: Plant) -> AsyncGenerator[None]:
    """Start another replica once the first has been killed."""

    async def succeed() -> None:
        await plant.launchers[0].ended()
        plant.start("b", service="iam_broker")

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(succeed())
        yield
        waiting.cancel()


async def ask(plant: Plant, subject: str, body: msgspec.Struct, answer: type[T]) -> T:
    """Ask until somebody answers, as the launcher does."""
    async with plant.patiently(subject):
        while True:
            try:
                return await Requests(plant.bus).ask(subject, body, answer)
            except Transient:
                await plant.bus.clock.sleep(POLL)


async def ensure(plant: Plant) -> Grant:
    return await ask(plant, API_ENSURE, ASKED, Grant)


async def collect(plant: Plant) -> CollectedGrants:
    """Collect until nothing of this deployment is left."""
    while True:
        report = await ask(plant, API_COLLECT, CollectGrants(now=True), CollectedGrants)
        if not await ours(plant):
            return report


async def ours(plant: Plant) -> dict[str, Any]:
    """Return what IAM has of this deployment: roles by name, each with all that belongs to it."""
    return await asyncio.to_thread(_ours, plant)


def _ours(plant: Plant) -> dict[str, Any]:
    iam = plant.cloud.client("iam")
    found: dict[str, Any] = {}
    for each in iam.list_roles(PathPrefix="/spawn/")["Roles"]:
        name = each["RoleName"]
        # Those of the other cases come and go meanwhile.
        with suppress(iam.exceptions.NoSuchEntityException):
            tags = {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}
            if tags.get("spawn:deployment") != plant.deployment:
                continue
            profiles = iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]
            found[name] = {
                "policies": iam.list_role_policies(RoleName=name)["PolicyNames"],
                "profiles": [profile["InstanceProfileName"] for profile in profiles],
            }
    return found


async def check_whole(plant: Plant) -> None:
    grant = await ensure(plant)
    assert await ours(plant) == {grant.role: {"policies": ["spawn"], "profiles": [grant.profile]}}


async def check_absent(plant: Plant) -> None:
    await collect(plant)
    assert await ours(plant) == {}


Check = Callable[[Plant], Any]


def kills(calls: tuple[str, ...]) -> list[Kill]:
    whens: tuple[When, ...] = ("before", "after")
    return [Kill(1, when, f"iam.{call}") for call in calls for when in whens]


CASES: dict[str, tuple[Kill, Check]] = {
    f"{kill.when} {kill.call}, then {check.__name__}": (kill, check)
    for kill in kills((*MAKING, *REMOVING))
    for check in (check_whole, check_absent)
}


async def live(tmp_path: Path, cloud: RunningSandbox, name: str, kill: Kill, check: Check) -> None:
    """Make a grant and collect it, one of the two being cut off; then look at what can be had."""
    deployment = f"d-{name}-{tmp_path.name[-12:]}"
    async with planted(tmp_path / name, cloud, deployment) as plant:
        first = plant.start("a", kill=kill, service="iam_broker")
        async with succeeded(plant):
            if kill.call.removeprefix("iam.") in REMOVING:
                await ensure(plant)
                await _until_killed(plant, API_COLLECT, CollectGrants(now=True), CollectedGrants)
            else:
                await _until_killed(plant, API_ENSURE, ASKED, Grant)
            assert not first.is_alive
            await check(plant)
            await check_absent(plant)


async def _until_killed(
    plant: Plant, subject: str, body: msgspec.Struct, answer: type[Any]
) -> None:
    async with plant.patiently(f"the end of the first by {subject}"):
        while plant.launchers[0].is_alive:
            with suppress(Transient):
                await Requests(plant.bus, within=_SOON).ask(subject, body, answer)


async def test_a_kill_between_any_two_calls_leaves_a_grant_whole_or_absent(
    tmp_path: Path, cloud: RunningSandbox
) -> None:
    chosen = list(CASES.items())[::EVERY]
    await side_by_side(
        {
            name: partial(live, tmp_path, cloud, str(number), kill, check)
            for number, (name, (kill, check)) in enumerate(chosen)
        }
    )
    FIGURES.append(f"broker killed between calls of IAM: {len(chosen)} of {len(CASES)} cases")


async def test_fifty_requests_at_two_replicas_make_one_role(plant: Plant) -> None:
    replicas = [plant.start(name, service="iam_broker") for name in ("a", "b")]
    empty = await ask(plant, API_ENSURE, GrantRequest(), Grant)
    backwards = GrantRequest(policies=ASKED.policies[::-1])
    asked = [ASKED, backwards] * 25
    found = await asyncio.gather(*(ask(plant, API_ENSURE, each, Grant) for each in asked))
    (role,) = {each.role for each in found}
    assert set(await ours(plant)) == {role, empty.role}
    made = [each.calls().count("iam.create_role") for each in replicas]
    assert sum(made) == 2, "one for the empty grant, one for all fifty"
    another = GrantRequest(policies=("s3:ReadOnly:another-bucket", "logs:WriteOnly"))
    assert (await ask(plant, API_ENSURE, another, Grant)).role != role
