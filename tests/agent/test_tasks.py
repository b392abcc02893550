import asyncio

from agent.tasks import Tasks


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost: list[BaseException] = []
    begun = asyncio.Event()

    async def forgetful() -> None:
        while True:
            try:
                begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                lost.append(error)
                if len(lost) > 1:
                    raise

    tasks = Tasks()
    tasks.start(forgetful(), "forgetful")
    await begun.wait()
    async with asyncio.timeout(30):
        await tasks.close()
    assert len(lost) == 2
