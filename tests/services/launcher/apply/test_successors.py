"""Recording successors while the machines before them still report."""

import msgspec

from services.launcher.apply.calls import open_next, send
from services.launcher.plan.replacement import succeed
from spawn.contracts.members import Member, MemberState, member_key
from tests.builders import ARRAY_ID, PLACEMENT, an_instance
from tests.services.launcher.plan.losing import SPOT_B, a_case, serving, spot
from tests.services.launcher.worlds import Fakes, record


def holder(rank: int) -> Member:
    """Return a member on an instance that the fake EC2 will not name its own like."""
    member = spot(rank)
    instance = msgspec.structs.replace(member.instance, id=an_instance(90 + rank).id)
    return msgspec.structs.replace(member, instance=instance)


async def test_a_successor_is_recorded_though_its_former_reports_at_that_moment() -> None:
    fakes = Fakes()
    world, elsewhere = fakes.world(), fakes.world("b")
    members = [holder(rank) for rank in range(4)]
    array = succeed(a_case(serving(), *members), members[1:3])
    pool = msgspec.structs.replace(SPOT_B, subnet_id="subnet-2")
    placement = msgspec.structs.replace(PLACEMENT, pools=(pool,))
    await record(world, msgspec.structs.replace(array, placement=placement), *members)

    intent = await open_next(world, ARRAY_ID, array.chunks[0])
    assert intent is not None
    # Another replica has heard of rank 1 what this one has not seen yet.
    key = member_key(ARRAY_ID, 1)
    held = await elsewhere.stores.members.get(key)
    ended = msgspec.structs.replace(held.value, version=2, state=MemberState.LOST)
    await elsewhere.stores.members.update(key, ended, held.revision)
    await send(world, ARRAY_ID, intent)

    recorded = await elsewhere.stores.members.load(f"{ARRAY_ID}.*")
    found = {entry.value.rank: entry.value for entry in recorded.values()}
    assert [found[rank].generation for rank in range(4)] == [0, 1, 1, 0]
    assert [former.job_over for rank in (1, 2) for former in found[rank].formers] == [True, False]
    assert (await elsewhere.stores.arrays.get(ARRAY_ID)).value.intents == ()
