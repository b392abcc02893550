"""Making a grant, whatever is cut off and whoever is first."""

import asyncio

import msgspec
import pytest

from services.iam_broker.handlers.ensure import TRUSTED_FOR, on_ensure
from services.iam_broker.plan.grants import next_step, plan_grant
from spawn.bus.ports import Request
from spawn.contracts import grants
from spawn.contracts.grants import Grant, GrantRequest
from spawn.errors import Conflict, Transient
from tests.services.iam_broker.fakes import DEPLOYMENT, Broker

ASK = Request(body=GrantRequest(), subject=grants.API_ENSURE)
CALLS = 11
"""What it takes to make a grant: three changes, and a look at role and profile around each."""

WANTED = plan_grant(GrantRequest(), deployment=DEPLOYMENT)


def is_whole(broker: Broker) -> bool:
    iam, name = broker.aws.iam(), WANTED.role.name
    return next_step(WANTED, iam.roles.get(name), iam.profiles.get(name)) is None


async def ask(broker: Broker) -> Grant:
    return await broker.clock.finish(on_ensure(ASK, broker.world))


async def test_a_grant_is_made_and_written_down() -> None:
    broker = Broker()
    assert await ask(broker) == WANTED.grant
    assert is_whole(broker)
    assert broker.aws.iam().counted.total() == CALLS
    written = await broker.world.stores.grants.get(WANTED.grant.hash)
    assert written.value == WANTED.grant


async def test_asking_again_asks_iam_only_now_and_then() -> None:
    broker = Broker()
    await ask(broker)
    calls = broker.aws.iam().counted.total()
    await ask(broker)
    assert broker.aws.iam().counted.total() == calls
    broker.clock.move(TRUSTED_FOR)
    broker.aws.iam().profiles.clear()
    await ask(broker)
    assert is_whole(broker)


@pytest.mark.parametrize("cut", range(1, CALLS + 1))
async def test_what_was_cut_off_is_completed(cut: int) -> None:
    broker = Broker()
    broker.aws.iam().cut_off = {cut}
    with pytest.raises(ExceptionGroup) as caught:
        await ask(broker)
    assert caught.group_contains(Transient, match="lost")
    after = Broker(bus=broker.bus, aws=broker.aws, clock=broker.clock)
    broker.aws.iam().cut_off = set()
    assert await ask(after) == WANTED.grant
    assert is_whole(after)
    made = broker.aws.iam().counted
    assert max(made["CreateRole"], made["CreateInstanceProfile"]) == 1


async def test_two_replicas_make_one_grant() -> None:
    first = Broker()
    second = Broker(bus=first.bus, aws=first.aws, clock=first.clock)

    async def both() -> tuple[Grant, ...]:
        return await asyncio.gather(
            on_ensure(ASK, first.world), on_ensure(ASK, second.world), on_ensure(ASK, first.world)
        )

    assert tuple(await first.clock.finish(both())) == (WANTED.grant,) * 3
    assert is_whole(first)


async def test_a_role_with_more_permissions_is_not_given() -> None:
    broker = Broker()
    await ask(broker)
    iam, name = broker.aws.iam(), WANTED.role.name
    iam.roles[name] = msgspec.structs.replace(iam.roles[name], policies=("admin",))
    broker.clock.move(TRUSTED_FOR)
    with pytest.raises(ExceptionGroup) as caught:
        await ask(broker)
    assert caught.group_contains(Conflict, match="admin")
