"""Making a grant, whatever is cut off and whoever is first."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from services.iam_broker.handlers.ensure import fence_key, on_ensure
from services.iam_broker.memory import TRUSTED_FOR
from services.iam_broker.plan.grants import steps_to
from spawn.bus.ports import Request
from spawn.contracts import grants
from spawn.contracts.grants import Grant, GrantRequest
from spawn.errors import Conflict, Transient
from tests.fakes.aws import ACCOUNT
from tests.services.iam_broker.fakes import BOUNDARY, Broker, wanted

ITEMS = ("s3:ReadOnly:my-bucket", "logs:WriteOnly")
WANTED = wanted(*ITEMS)
CALLS = 8
"""What it takes to make a grant: boundary, role, policy, profile and the role in it; a look at
the first, the second and the fourth before."""

VERIFYING = 2
"""Looking at role and profile (with what is in it, the first is four calls of IAM)."""


def ask(*policies: str, **more: object) -> Request[GrantRequest]:
    asked = GrantRequest(policies=policies or ITEMS, **more)  # pyright: ignore[reportArgumentType] # fields of the Struct
    return Request(body=asked, subject=grants.API_ENSURE)


def is_whole(broker: Broker) -> bool:
    iam, role = broker.aws.iam(), WANTED.role
    assert role is not None
    return steps_to(role, iam.held.get(role.name), iam.profiles.get(role.name)) == ()


async def ensure(broker: Broker, request: Request[GrantRequest] | None = None) -> Grant:
    return await broker.clock.finish(on_ensure(request or ask(), broker.world))


async def test_a_grant_is_made_and_written_down() -> None:
    broker = Broker()
    assert await ensure(broker) == WANTED.grant
    assert is_whole(broker)
    assert broker.aws.iam().counted.total() == CALLS
    written = (await broker.world.stores.grants.get(WANTED.grant.hash)).value
    now = broker.clock.now()
    assert written == msgspec.structs.replace(WANTED.grant, made_at=now, used_at=now)
    assert written.permissions.policies == ("logs:WriteOnly", "s3:ReadOnly:my-bucket")


async def test_asking_again_asks_iam_only_now_and_then() -> None:
    broker = Broker()
    await ensure(broker)
    iam = broker.aws.iam()
    calls = iam.counted.total()
    await ensure(broker)
    assert iam.counted.total() == calls
    broker.clock.move(TRUSTED_FOR)
    iam.profiles.clear()
    await ensure(broker)
    assert is_whole(broker)


async def test_ec2_that_does_not_know_it_has_iam_looked_at_again() -> None:
    broker = Broker()
    await ensure(broker)
    calls = broker.aws.iam().counted.total()
    broker.aws.iam().profiles.clear()
    await ensure(broker, ask(again=True))
    assert is_whole(broker)
    assert broker.aws.iam().counted.total() == calls + VERIFYING + 2


async def test_what_another_replica_deleted_is_made_again_at_once() -> None:
    broker = Broker()
    await ensure(broker)
    iam = broker.aws.iam()
    iam.profiles.clear()
    iam.held.clear()
    await broker.world.stores.grants.delete(WANTED.grant.hash)
    await ensure(broker)
    assert is_whole(broker)


@pytest.mark.parametrize("cut", range(1, CALLS + 1))
async def test_what_was_cut_off_is_completed(cut: int) -> None:
    broker = Broker()
    broker.aws.iam().cut_off = {cut}
    with pytest.raises(ExceptionGroup) as caught:
        await ensure(broker)
    assert caught.group_contains(Transient, match="lost")
    after = Broker(bus=broker.bus, aws=broker.aws, clock=broker.clock)
    broker.aws.iam().cut_off = set()
    assert await ensure(after) == WANTED.grant
    assert is_whole(after)
    made = broker.aws.iam().counted
    assert max(made["CreateRole"], made["CreateInstanceProfile"], made["CreatePolicy"]) == 1


async def test_fifty_requests_at_two_replicas_make_one_grant() -> None:
    first = Broker()
    second = Broker(bus=first.bus, aws=first.aws, clock=first.clock, replica="b")
    backwards = ask(*reversed(ITEMS))

    async def all_at_once() -> list[Grant]:
        return await asyncio.gather(
            *(on_ensure(ask(), first.world) for _ in range(25)),
            *(on_ensure(backwards, second.world) for _ in range(25)),
        )

    assert await first.clock.finish(all_at_once()) == [WANTED.grant] * 50
    assert is_whole(first)
    made = first.aws.iam().counted
    assert len(first.aws.iam().held) == made["CreateRole"] == made["CreateInstanceProfile"] == 1
    assert made["CreatePolicy"] == 1


async def test_a_grant_that_another_holds_is_asked_for_later() -> None:
    broker = Broker()
    other = Broker(bus=broker.bus, aws=broker.aws, clock=broker.clock, replica="b")
    async with other.world.fences.hold(fence_key(WANTED.grant.hash)):
        with pytest.raises(ExceptionGroup) as caught:
            await ensure(broker)
        assert caught.group_contains(Transient, match="another replica")
    assert await ensure(broker) == WANTED.grant


async def test_nothing_is_changed_by_whoever_has_lost_the_fence() -> None:
    broker = Broker()
    iam = broker.aws.iam()

    async def lose() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(on_ensure(ask(), broker.world))
            while not iam.held:
                await broker.clock.sleep(timedelta(0))
            broker.bus.expire_fence(fence_key(WANTED.grant.hash))

    with pytest.raises(ExceptionGroup) as caught:
        await broker.clock.finish(lose())
    assert caught.group_contains(Transient, match="another replica")
    assert iam.counted["CreateInstanceProfile"] == 0


async def test_a_role_that_was_widened_is_narrowed_again() -> None:
    broker = Broker()
    await ensure(broker)
    iam, name = broker.aws.iam(), WANTED.grant.role
    iam.held[name] = msgspec.structs.replace(iam.held[name], inline={"admin": "{}"}, boundary="")
    broker.clock.move(TRUSTED_FOR)
    await ensure(broker)
    assert is_whole(broker)


async def test_a_role_of_another_is_not_given() -> None:
    broker = Broker()
    await ensure(broker)
    iam, name = broker.aws.iam(), WANTED.grant.role
    iam.held[name] = msgspec.structs.replace(iam.held[name], tags={})
    with pytest.raises(ExceptionGroup) as caught:
        await ensure(broker, ask(again=True))
    assert caught.group_contains(Conflict, match="delete it")


async def test_a_boundary_that_was_changed_gives_no_grant() -> None:
    broker = Broker()
    broker.aws.iam().policies[BOUNDARY] = "{}"
    with pytest.raises(ExceptionGroup) as caught:
        await ensure(broker)
    assert caught.group_contains(Conflict, match=f"{ACCOUNT}:policy/spawn/spawn-boundary")
    assert broker.aws.iam().held == {}
