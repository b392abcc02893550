"""The TTL service, nats-server, or both killed with -9 around the ends of many leases."""

from datetime import timedelta
from pathlib import Path

import pytest

from spawn.contracts.ids import ArrayId
from tests.faults.scale import FIGURES
from tests.fixtures.ttl_process import ttl_process

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

LEASES = 60
SPREAD = timedelta(seconds=3)
"""From the first end to the last: the kill comes in the middle, so some end before it."""

DOWN = timedelta(seconds=1)
BACK = timedelta(seconds=30)
"""How long after everything is back the last lease may be acted on."""

IDS = [ArrayId(f"web{number}-abcdefghijkl") for number in range(LEASES)]


@pytest.mark.parametrize("killed", ["service", "bus", "both"])
async def test_every_lease_ends_once_never_early_and_soon(tmp_path: Path, killed: str) -> None:
    async with ttl_process(tmp_path) as ttl:
        clock = ttl.bus.clock
        far = clock.now() + timedelta(hours=1)
        await ttl.accept(ArrayId("far-abcdefghijkl"), far)
        await ttl.until_armed(1)
        first = clock.now() + timedelta(seconds=2)
        ends = {each: first + SPREAD * number / LEASES for number, each in enumerate(IDS)}
        for each, until in ends.items():
            await ttl.accept(each, until)
        await ttl.until(lambda: len(ttl.asked) >= LEASES // 3, BACK)
        if killed != "bus":
            ttl.kill()
        if killed != "service":
            ttl.server.kill()
        await clock.sleep(DOWN)
        if killed != "service":
            await ttl.server.start()
        if killed != "bus":
            ttl.start()
        back = clock.now()
        await ttl.until(lambda: len(ttl.asked) == LEASES, DOWN + SPREAD + 2 * BACK)
        late = [min(at for _, at in ttl.asked[each]) - ends[each] for each in IDS]
        last = max(min(at for _, at in ttl.asked[each]) for each in IDS)
        expired = await ttl.all_told("lease.expired", LEASES, BACK)
        assert await ttl.timers() == {"far-abcdefghijkl.lease"}
    assert min(late) >= timedelta(0), "nothing ends early"
    assert last <= max(back, *ends.values()) + BACK
    decisions = {each: {version for version, _ in ttl.asked[each]} for each in IDS}
    assert all(len(versions) == 1 for versions in decisions.values()), "each ends by one decision"
    assert sorted(event.array_id for event in expired) == sorted(IDS)
    FIGURES.append(
        f"{killed} killed around {LEASES} leases' ends: each acted on, at most"
        f" {max(late).total_seconds():.1f} s late"
    )
