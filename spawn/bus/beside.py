"""Work that runs beside a block and ends with it."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run `work` for the length of the block, then cancel it.

    An exception of the block comes out as it is, not in a group; when `work` fails, the block is
    cancelled and its exception comes out instead.
    """
    failed: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised again below, outside the group
                failed = error
            finally:
                task.cancel()
    except ExceptionGroup as failures:
        if failed is None:
            raise failures.exceptions[0] from None
    if failed is not None:
        raise failed
