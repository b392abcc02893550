"""Arrays on spot, and members of them that are lost or about to be."""

from datetime import timedelta
from typing import Any

import msgspec

from services.launcher.model import View, Write
from services.launcher.plan.replacement import (
    GATHER,
    replace_lost,
)
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import LaunchSpec
from spawn.contracts.members import Facts, Former, Member, MemberState
from spawn.contracts.notices import Notice, NoticeAction, NoticeKind
from spawn.contracts.pools import Market, Pool
from tests.builders import (
    ARRAY_ID,
    NOON,
    PLACEMENT,
    an_array,
    an_instance,
    running,
)
from tests.services.launcher.plan.views import a_view

SPOT_A = Pool(Market.SPOT, "m7i.large", "us-east-1a", "subnet-0000000a")
SPOT_B = Pool(Market.SPOT, "m7i.large", "us-east-1b", "subnet-0000000b")
SPEC = LaunchSpec(name="training", count=4, region="us-east-1", spot=True, replace=True)
DIES_AT = NOON + timedelta(minutes=2)
GATHERED = NOON - GATHER


def serving(**changes: Any) -> Array:
    placement = msgspec.structs.replace(PLACEMENT, pools=(SPOT_A, SPOT_B))
    whole = {"spec": SPEC, "state": ArrayState.READY, "chunks": (), "placement": placement}
    return an_array(4, **{**whole, **changes})


def spot(rank: int, **changes: Any) -> Member:
    """Return a member that runs on spot; its instance is changed by `instance_state`."""
    state = changes.pop("instance_state", InstanceState.RUNNING)
    instance = an_instance(rank, state=state, market=Market.SPOT)
    return running(rank, instance=instance, **{"facts": Facts(), **changes})


def gone(rank: int, **changes: Any) -> Member:
    lost = {"state": MemberState.LOST, "instance_state": InstanceState.TERMINATED}
    return spot(rank, **{**lost, **changes})


def a_notice(rank: int, **changes: Any) -> Notice:
    notice = Notice(
        array_id=ARRAY_ID,
        rank=rank,
        generation=0,
        instance_id=an_instance(rank).id,
        kind=NoticeKind.INTERRUPTION,
        action=NoticeAction.TERMINATE,
        noticed_at=NOON,
        dies_at=DIES_AT,
    )
    return msgspec.structs.replace(notice, **changes)


def a_case(array: Array, *members: Member, noticed: tuple[Notice, ...] = (), **more: Any) -> View:
    notices = {each.instance_id: (each,) for each in noticed}
    return a_view(array, members, **{"notices": notices, "gathering_since": GATHERED, **more})


def asked(view: View) -> list[tuple[str, int]]:
    """Return ranks and generation of the successors that are asked for."""
    writes = [step for step in replace_lost(view) if isinstance(step, Write)]
    return [(chunk.ranks, chunk.generation) for step in writes for chunk in step.array.chunks]


def a_former(**changes: Any) -> Former:
    instance = an_instance(9, state=InstanceState.RUNNING, market=Market.SPOT)
    return msgspec.structs.replace(Former(instance=instance, generation=0, since=NOON), **changes)


def with_state(state: InstanceState, **changes: Any) -> Former:
    return a_former(instance=an_instance(9, state=state), **changes)
