"""All records are lost under running instances: they are told again from their tags."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from services.launcher.model import OVERDUE
from spawn.contracts.arrays import ArrayState
from spawn.contracts.ids import ArrayId
from tests.services.launcher.model.plane import TTL, Plane
from tests.services.launcher.model.truths import check_claims, check_tokens, living_of

SIZE = 5
HOUR = 3600.0


@contextmanager
def running() -> Generator[tuple[Plane, ArrayId]]:
    """A plane with one array that has been ready for a while."""
    plane = Plane()
    try:
        plane.start("a")
        array = plane.launch(count=SIZE)
        plane.run(400)
        assert plane.state(array) is ArrayState.READY
        yield plane, array
    finally:
        plane.close()


@pytest.mark.parametrize("survives", [True, False], ids=["launcher runs on", "launcher restarted"])
class TestLoss:
    def lose(self, plane: Plane, *, survives: bool) -> None:
        if not survives:
            for replica in plane.living():
                plane.kill(replica)
        plane.bus.lose()
        if not survives:
            plane.start("b")

    def test_nothing_is_ended_and_everything_is_known_again(self, survives: bool) -> None:
        with running() as (plane, array):
            before = plane.ec2.living()
            self.lose(plane, survives=survives)
            plane.run(HOUR)
            assert plane.ec2.living() == before
            assert plane.state(array) is ArrayState.RECOVERED
            assert [member.rank for member in plane.members(array)] == list(range(SIZE))
            check_claims(plane)
            check_tokens(plane)
            assert plane.failures == []

    def test_the_lease_holds(self, survives: bool) -> None:
        with running() as (plane, array):
            self.lose(plane, survives=survives)
            plane.run((TTL + OVERDUE).total_seconds())
            assert plane.state(array) is ArrayState.TERMINATED
            assert living_of(plane, array) == []

    def test_what_is_adopted_can_be_ended_and_this_is_told(self, survives: bool) -> None:
        with running() as (plane, array):
            self.lose(plane, survives=survives)
            plane.run(100)
            plane.terminate(array)
            plane.run(100)
            assert plane.state(array) is ArrayState.TERMINATED
            names = [event.name for event in plane.told(array)]
            assert names == ["instance.terminated"] * SIZE + ["array.terminated"]

    def test_what_is_lost_afterwards_is_told(self, survives: bool) -> None:
        with running() as (plane, array):
            self.lose(plane, survives=survives)
            plane.run(100)
            plane.ec2.reclaim(plane.ec2.living()[0])
            plane.run(100)
            assert [event.name for event in plane.told(array)] == ["instance.terminated"]
            assert len(living_of(plane, array)) == SIZE - 1

    def test_the_name_is_still_taken(self, survives: bool) -> None:
        with running() as (plane, array):
            self.lose(plane, survives=survives)
            plane.run(100)
            other = plane.launch("r2", count=1)
            plane.run(100)
            assert plane.state(other) is None
            assert [event.name for event in plane.told(other)] == ["array.rejected"]
            assert len(living_of(plane, array)) == SIZE
