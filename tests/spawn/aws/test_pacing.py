import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spawn.aws.buckets import Rate, parse_buckets
from spawn.aws.pacing import Pacer
from tests.fakes.clock import VirtualClock

RUN = "RunInstances"


async def times(
    pacer: Pacer, clock: VirtualClock, calls: int, *, instances: int = 0, key: str = ""
) -> list[float]:
    """Return when each of `calls` simultaneous calls had its turn."""
    had: list[float] = []

    async def one() -> None:
        await pacer.take(RUN, instances=instances, key=key)
        had.append(round(clock.monotonic(), 3))

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(calls):
                group.create_task(one())

    await clock.finish(all_of_them())
    return had


async def test_calls_burst_and_then_keep_to_the_rate() -> None:
    clock = VirtualClock()
    assert await times(Pacer(clock), clock, 9) == [0, 0, 0, 0, 0, 0.6, 1.1, 1.6, 2.1]


async def test_instances_have_a_bucket_of_their_own() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, {RUN: Rate(1000, 1000)})
    assert await times(pacer, clock, 12, instances=100) == [0] * 10 + [50.1, 100.1]


async def test_replicas_share() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock)
    pacer.set_share(5)
    assert await times(pacer, clock, 3) == [0, 2.6, 5.2]


async def test_a_share_that_changes_holds_for_calls_that_wait() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock)
    assert await times(pacer, clock, 5, instances=1) == [0] * 5
    pacer.set_share(2)
    assert await times(pacer, clock, 2, instances=1) == [1.1, 2.1]
    pacer.set_share(0)
    assert await times(pacer, clock, 2, instances=1) == [2.6, 3.1]


async def test_a_throttle_answer_slows_down() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock)
    pacer.throttled(RUN)
    assert await times(pacer, clock, 3) == [1.0, 2.0, 3.0]


async def test_a_small_array_does_not_wait_for_a_large_one() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, {f"{RUN}.instances": Rate(100, 2)})
    order: list[tuple[str, float]] = []

    async def launch(key: str, instances: int) -> None:
        await pacer.take(RUN, instances=instances, key=key)
        order.append((key, round(clock.monotonic(), 3)))

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(launch("large", 100))
            await clock.sleep(timedelta(seconds=20))
            group.create_task(launch("small", 1))

    await clock.finish(both())
    assert order[:2] == [("large", 0), ("small", 20)]
    assert [key for key, _ in order] == ["large", "small", "large", "large"]


async def test_a_large_call_is_not_starved_by_a_stream_of_small_ones() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, {RUN: Rate(1000, 1000), f"{RUN}.instances": Rate(100, 2)})
    served: list[float] = []

    async def large() -> None:
        await pacer.take(RUN, instances=100, key="large")
        served.append(clock.monotonic())

    async def stream(group: asyncio.TaskGroup) -> None:
        for number in range(200):
            if served:
                return
            group.create_task(pacer.take(RUN, instances=1, key=f"small-{number}"))
            await clock.sleep(timedelta(seconds=0.5))

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            await pacer.take(RUN, instances=100)
            group.create_task(large())
            group.create_task(stream(group))

    await clock.finish(both())
    # Alone it waits 50 s for its tokens; as much again goes to those who pass it.
    assert served[0] <= 102


async def test_a_cancelled_wait_leaves_no_trace() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, {RUN: Rate(1, 1)})

    async def scenario() -> list[float]:
        await pacer.take(RUN)
        had: list[float] = []

        async def wait() -> None:
            await pacer.take(RUN, key="second")
            had.append(clock.monotonic())

        async with asyncio.TaskGroup() as group:
            first = group.create_task(pacer.take(RUN, key="first"))
            await clock.sleep(timedelta(seconds=0.1))
            group.create_task(wait())
            await clock.sleep(timedelta(seconds=0.1))
            first.cancel()
        return had

    had = await clock.finish(scenario())
    assert had[0] == pytest.approx(1.1, abs=0.001)


async def test_a_turn_whose_call_was_not_made_can_be_given_back() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, {RUN: Rate(1, 0.001), f"{RUN}.instances": Rate(10, 0.001)})
    assert await times(pacer, clock, 1, instances=10) == [0]
    pacer.give_back(RUN, instances=10)
    assert await times(pacer, clock, 1, instances=10) == [0]


async def test_an_api_without_a_limit_never_waits() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock)
    for _ in range(1000):
        await pacer.take("GetCallerIdentity")
    assert clock.monotonic() == 0


CALLS = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=20),
        st.sampled_from(["a", "b", "c"]),
        st.integers(min_value=0, max_value=30),
        st.booleans(),
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=40, deadline=None)
@given(CALLS)
def test_whatever_comes_and_goes_all_have_their_turn_within_the_rate(
    calls: list[tuple[float, str, int, bool]],
) -> None:
    asyncio.run(_check_within_the_rate(calls))


async def _check_within_the_rate(calls: list[tuple[float, str, int, bool]]) -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, parse_buckets([f"{RUN}=3/2", f"{RUN}.instances=40/4"]))
    had: list[tuple[float, int]] = []

    async def one(delay: float, key: str, instances: int) -> None:
        await clock.sleep(timedelta(seconds=delay))
        await pacer.take(RUN, instances=instances, key=key)
        had.append((clock.monotonic(), instances))

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(*call[:3])) for call in calls]
            await clock.sleep(timedelta(seconds=10))
            for task, call in zip(tasks, calls, strict=True):
                if call[3]:
                    task.cancel()

    await clock.finish(all_of_them())
    assert len(had) >= sum(not call[3] for call in calls)
    for first, (begun, _) in enumerate(had):
        for last, (ended, _) in enumerate(had[first:], first):
            window = had[first : last + 1]
            assert len(window) <= 3 + 2 * (ended - begun) + 1e-6
            assert sum(size for _, size in window) <= 40 + 4 * (ended - begun) + 1e-6
