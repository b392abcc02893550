from datetime import timedelta
from typing import Any

import pytest

from cli.coming import idle_words, what_comes
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.launches import IdleScope, LaunchSpec
from spawn.contracts.lease_records import Idleness, LeaseRecord
from spawn.contracts.leases import NO_END, Lease, LeaseAction
from tests.builders import ARRAY_ID, NOON, an_array

LEASE = Lease(NOON + timedelta(hours=2), LeaseAction.STOP)
WORKS = Idleness(at=NOON, reason="rank 3: CPU 40.0%")
QUIET = Idleness(at=NOON, reason="all quiet: CPU 0.4%", quiet_since=NOON - timedelta(minutes=12))
ASKED = Idleness(at=NOON, reason="idle for 30m: all quiet", quiet_since=NOON, asked_at=NOON)


def an_idling(**changes: Any) -> Array:
    wanted: dict[str, Any] = {"idle_timeout": "30m", **changes}
    spec = LaunchSpec(name="training", count=4, region="us-east-1", **wanted)
    return an_array(spec=spec, lease=LEASE)


def record(idle: Idleness | None, lease: Lease = LEASE) -> LeaseRecord:
    return LeaseRecord(array_id=ARRAY_ID, lease=lease, deployment="test", idle=idle)


@pytest.mark.parametrize(
    ("idle", "words"),
    [
        (None, "not known yet"),
        (WORKS, "works: rank 3: CPU 40.0%"),
        (QUIET, "quiet for 12m of 30m"),
        (ASKED, "was idle: ended"),
    ],
)
def test_how_idle_an_array_is(idle: Idleness | None, words: str) -> None:
    assert idle_words(an_idling(), idle, NOON) == words


def test_where_idleness_does_not_count_nothing_is_said_of_it() -> None:
    assert idle_words(an_array(), WORKS, NOON) == ""


def test_what_comes_of_an_array() -> None:
    assert what_comes(an_idling(), record(QUIET), NOON) == [
        "when its lease is over, in 2h: stopped",
        "when idle for 30m: ended; quiet for 12m of 30m (all quiet: CPU 0.4%)",
    ]
    each = an_idling(idle_scope=IdleScope.MEMBER, idle_action=LeaseAction.HIBERNATE)
    assert what_comes(each, record(WORKS), NOON)[1] == (
        "when idle for 30m: each member by itself is hibernated; works: rank 3: CPU 40.0%"
    )
    assert what_comes(an_idling(), None, NOON)[1] == "when idle for 30m: ended; not known yet"


def test_what_has_no_end_has_none_that_comes() -> None:
    assert what_comes(an_array(), record(None, Lease(NO_END)), NOON) == []
    over = an_array(state=ArrayState.TERMINATED)
    assert what_comes(over, record(None), NOON) == []
