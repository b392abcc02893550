"""Records and events for tests of what is shown."""

from datetime import timedelta
from typing import Any

import msgspec

from spawn.contracts.arrays import Array
from spawn.contracts.events import Data, Event, event_id
from spawn.contracts.launches import Launch, LaunchSpec
from spawn.contracts.leases import Lease
from spawn.contracts.members import Member, MemberState
from tests.fakes.cli_launcher import NOON, array_of, instance_of

LEASE = Lease(NOON + timedelta(hours=8))


def make_array(name: str = "web", size: int = 3, **changes: Any) -> Array:
    spec = LaunchSpec(name=name, count=size, region="us-east-1")
    array = array_of(Launch(request_id=changes.pop("request_id", "r1"), spec=spec))
    return msgspec.structs.replace(array, **changes)


def make_member(rank: int, state: MemberState = MemberState.RUNNING) -> Member:
    return Member(
        array_id=make_array().id,
        rank=rank,
        state=state,
        instance=instance_of(rank),
        changed_at=NOON,
    )


def make_event(data: Data, version: int = 1) -> Event:
    array = make_array().id
    return Event(
        id=event_id(array, data, version),
        array_id=array,
        source="/spawn/tests/launcher",
        time=NOON,
        data=data,
    )
