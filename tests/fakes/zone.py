"""A zone in memory that compares before it changes, and spreads what it has taken with time."""

from collections.abc import Iterable
from datetime import timedelta

from spawn.clock import Clock
from spawn.contracts.zones import BatchLimits, Change, Record, by_key, is_under
from spawn.errors import Cause, Conflict, Outcome, Rejected, Transient


class FakeZone:
    """A `ZonePort`. `refused` are names that it never takes; `lost` answers are to be lost."""

    def __init__(
        self,
        clock: Clock,
        *,
        base: str,
        records: Iterable[Record] = (),
        limits: BatchLimits | None = None,
        spread: timedelta = timedelta(0),
    ) -> None:
        self.limits = limits or BatchLimits(values=1_000, characters=30_000)
        self.spreads_within = timedelta(0)
        self.spread = spread
        self.held = by_key(records)
        self.refused: set[str] = set()
        self.failures: list[Outcome] = []
        self.lost = 0
        self.changes: list[tuple[Change, ...]] = []
        self.looks = 0
        self._base = base
        self._clock = clock
        self._begun: list[float] = []

    async def records(self) -> tuple[Record, ...]:
        self._fail()
        self.looks += 1
        return tuple(each for each in self.held.values() if is_under(each.name, self._base))

    async def change(self, changes: tuple[Change, ...]) -> str:
        self._fail()
        self._check(changes)
        for each in changes:
            self.held.pop(each.key, None)
            if each.after is not None:
                self.held[each.key] = each.after
        self.changes.append(changes)
        self._begun.append(self._clock.monotonic())
        if self.lost:
            self.lost -= 1
            raise Transient("the answer was lost")
        return str(len(self._begun) - 1)

    async def is_everywhere(self, change_id: str) -> bool:
        self._fail()
        begun = self._begun[int(change_id)]
        return self._clock.monotonic() - begun >= self.spread.total_seconds()

    def names(self, kind: str = "A") -> dict[str, tuple[str, ...]]:
        """Return what a resolver would be answered, by name."""
        return {name: each.values for (name, type_), each in self.held.items() if type_ == kind}

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def _check(self, changes: tuple[Change, ...]) -> None:
        _check_size(changes, self.limits)
        for each in changes:
            name, _ = each.key
            found = self.held.get(each.key)
            if each.before is None and found is not None:
                raise Conflict(f"{name} already exists", cause=Cause.EXISTS)
            if each.before is not None and not each.before.is_as(found):
                raise Conflict(f"{name}: the values do not match", cause=Cause.EXISTS)
            if each.before is None and (name, "CNAME") in self.held:
                raise Rejected(f"{name} is an alias")
            if name in self.refused:
                raise Rejected(f"{name} is not taken here")


def _check_size(changes: tuple[Change, ...], limits: BatchLimits) -> None:
    keys = [each.key for each in changes]
    assert len(keys) == len(set(keys)), "a change names each record once"
    sides = [one for each in changes for one in (each.before, each.after) if one is not None]
    assert sum(len(each.values) for each in sides) <= limits.values
    assert sum(len(value) for each in sides for value in each.values) <= limits.characters
