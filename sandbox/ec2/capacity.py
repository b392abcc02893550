"""How many more instances a pool has, and how many vCPUs a region may run."""

from sandbox.behaviour import ANY, CapacityRule, Market
from sandbox.ec2.records import Pool


class Capacity:
    """Free places by pool; a pool that no rule names is without limit."""

    def __init__(self) -> None:
        self._rules: list[CapacityRule] = []
        self._free: dict[Pool, int | None] = {}

    def set(self, rule: CapacityRule) -> None:
        """Give every pool that matches `rule` that many free places from now on."""
        self._rules.append(rule)
        for pool in [pool for pool in self._free if _matches(rule, pool)]:
            del self._free[pool]

    def clear(self) -> None:
        """Make every pool without limit."""
        self._rules.clear()
        self._free.clear()

    def free(self, pool: Pool) -> int | None:
        """Return the places left in a pool, None when there is no limit."""
        if pool not in self._free:
            rules = (rule for rule in reversed(self._rules) if _matches(rule, pool))
            first = next(rules, None)
            self._free[pool] = None if first is None else first.free
        return self._free[pool]

    def take(self, pool: Pool, count: int) -> None:
        """Use `count` places that `free` has shown."""
        free = self.free(pool)
        if free is not None:
            self._free[pool] = max(0, free - count)

    def give_back(self, pool: Pool) -> None:
        """Return one place."""
        free = self.free(pool)
        if free is not None:
            self._free[pool] = free + 1

    def limited(self) -> dict[Pool, int]:
        """Return the pools in use that have a limit."""
        return {pool: free for pool, free in self._free.items() if free is not None}


class Quota:
    """The vCPUs in use in one account and region, by market."""

    def __init__(self) -> None:
        self.used: dict[Market, int] = {"on-demand": 0, "spot": 0}

    def free(self, market: Market, *, limit: int | None) -> int | None:
        """Return the vCPUs that may still be used, None when there is no limit."""
        return None if limit is None else max(0, limit - self.used[market])


def _matches(rule: CapacityRule, pool: Pool) -> bool:
    return (
        rule.market in {ANY, pool.market}
        and rule.instance_type in {ANY, pool.instance_type}
        and rule.zone in {ANY, pool.zone}
    )
