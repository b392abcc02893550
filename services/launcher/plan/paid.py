"""Who has how many instances that are paid for."""

from collections import Counter
from collections.abc import Iterable

from spawn.contracts.instances import Instance, InstanceState

MOST_OWNERS = 20
"""Owners that are named in a metric; the others are one together, or its size had no bound."""

OTHERS = "others"

_PAID = frozenset({InstanceState.PENDING, InstanceState.RUNNING})
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html; EC2 begins to
charge when `pending` is over, which is a matter of seconds."""


def count_paid(held: Iterable[tuple[str, Instance]]) -> Counter[tuple[str, str]]:
    """Count instances by owner and market; `held` are pairs of owner and instance."""
    paid = [(owner, each.market.value) for owner, each in held if each.state in _PAID]
    by_owner = Counter(owner for owner, _ in paid)
    ranked = sorted(by_owner, key=lambda owner: (-by_owner[owner], owner))
    named = set(ranked[:MOST_OWNERS])
    return Counter((owner if owner in named else OTHERS, market) for owner, market in paid)
