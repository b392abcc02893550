import msgspec
import pytest

from services.launcher.handlers.checkpoints import on_checkpoint
from services.launcher.ports import World
from spawn.bus.ports import Request
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.assignments import tell_subject
from spawn.contracts.checkpoints import API_CHECKPOINT, CheckpointAsked, CheckpointRequest
from spawn.contracts.launches import digest
from spawn.contracts.members import Facts, Member, MemberState
from spawn.errors import NotFound, Rejected
from tests.builders import ARRAY_ID, an_array, an_instance, running
from tests.services.launcher.worlds import Fakes, record


def saving(**changes: object) -> Array:
    array = an_array(size=3, chunks=(), state=ArrayState.READY, checkpoint_script=digest("save"))
    return msgspec.structs.replace(array, **changes)


def greeted(rank: int) -> Member:
    return running(rank, state=MemberState.READY, facts=Facts())


async def ask(world: World, *ranks: int) -> CheckpointAsked:
    body = CheckpointRequest(array_id=ARRAY_ID, ranks=ranks)
    return await on_checkpoint(Request(body=body, subject=API_CHECKPOINT), world)


async def test_machines_are_told_each_on_its_own_subject() -> None:
    fakes = Fakes()
    world = fakes.world()
    await record(world, saving(), greeted(0), running(1), greeted(2))
    asked = await ask(world)
    assert asked.ranks == (0, 2)
    assert [to for to, _ in fakes.bus.tells] == [
        tell_subject(ARRAY_ID, an_instance(rank).id) for rank in (0, 2)
    ]
    (tell,) = {tell for _, tell in fakes.bus.tells}
    assert (tell.what, tell.request_id) == ("checkpoint", asked.request_id)
    assert asked.request_id.isalnum()


async def test_each_request_is_another() -> None:
    world = Fakes().world()
    await record(world, saving(), greeted(0))
    assert (await ask(world)).request_id != (await ask(world)).request_id


async def test_without_a_script_nothing_can_be_saved() -> None:
    world = Fakes().world()
    await record(world, saving(checkpoint_script=None), greeted(0))
    with pytest.raises(Rejected, match="launched without one") as refused:
        await ask(world)
    assert refused.value.field == "checkpoint_script"


async def test_a_machine_that_does_not_answer_is_named() -> None:
    world = Fakes().world()
    await record(world, saving(), greeted(0), running(1))
    with pytest.raises(Rejected, match="ranks 1 of training"):
        await ask(world, 0, 1)


async def test_an_unknown_array_is_not_found() -> None:
    with pytest.raises(NotFound):
        await ask(Fakes().world())
