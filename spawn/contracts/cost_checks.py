"""What a launch may cost: the checks of its limit."""

from spawn.contracts.launches import LaunchSpec
from spawn.contracts.prices import UnknownCost
from spawn.errors import Rejected

HIGHEST_LIMIT = 1_000_000.0
"""US dollars: a larger limit limits nothing, and is a slip of the pen."""


def check_cost(spec: LaunchSpec) -> None:
    """Raise `Rejected` for a limit of costs that is none."""
    limit = spec.max_cost
    if limit is None:
        if spec.max_cost_unknown is UnknownCost.ALLOW:
            message = "there is no limit that an unknown price could break; add --max-cost"
            raise Rejected(
                f"max_cost_unknown='{spec.max_cost_unknown}': {message}", field="max_cost_unknown"
            )
    elif not 0 < limit <= HIGHEST_LIMIT:
        message = f"use US dollars for all of it, above 0, {HIGHEST_LIMIT:.0f} at most"
        raise Rejected(f"max_cost='{limit}': {message}", field="max_cost")
