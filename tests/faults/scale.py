"""How much is tried: a fixed sample in `make test`, everything with SPAWN_TORTURE=1."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from spawn.runtime.settings import environment

TORTURE = environment().get("SPAWN_TORTURE") == "1"
FIGURES: list[str] = []
"""What was counted, for the table at the end of the run: `what: figures`."""

SIDE_BY_SIDE = 6
"""Cases at once: most of one is waiting."""


async def side_by_side(cases: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Run all cases, some at once; fail with those that failed and why."""
    turns, failed = asyncio.Semaphore(SIDE_BY_SIDE), dict[str, BaseException]()

    async def run(name: str, case: Callable[[], Awaitable[None]]) -> None:
        async with turns:
            try:
                await case()
            except Exception as error:  # noqa: BLE001 - the others are run all the same
                failed[name] = error

    async with asyncio.TaskGroup() as group:
        for name, case in cases.items():
            group.create_task(run(name, case))
    told = "\n\n".join(f"{name}: {_leaf(error)}" for name, error in failed.items())
    assert not failed, f"{len(failed)} of {len(cases)} failed\n{told}"


def _leaf(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return _leaf(group.exceptions[0])
    return f"{type(error).__name__}: {error}"
