import asyncio

import pytest

from spawn.bus.beside import beside


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("work")


async def test_the_work_ends_with_the_block() -> None:
    ended: list[str] = []
    async with beside(forever(ended)):
        await until_waiting()
    assert ended == ["work"]


async def test_an_error_of_the_block_comes_out_as_it_is() -> None:
    ended: list[str] = []

    async def block() -> None:
        async with beside(forever(ended)):
            await until_waiting()
            raise KeyError("block")

    with pytest.raises(KeyError):
        await block()
    assert ended == ["work"]


async def test_an_error_of_the_work_ends_the_block_and_comes_out_as_it_is() -> None:
    async def fail() -> None:
        raise LookupError("work")

    with pytest.raises(LookupError, match="work"):
        async with beside(fail()):
            await asyncio.Event().wait()


async def test_cancelling_the_block_cancels_both() -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def block() -> None:
        async with beside(forever(ended)):
            begun.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(block())
        await begun.wait()
        await until_waiting()
        task.cancel()
    assert task.cancelled()
    assert ended == ["work"]


async def until_waiting() -> None:
    """Let the work begin: it runs as soon as the block waits for anything."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, None)
    await future
