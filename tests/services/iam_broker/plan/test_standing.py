"""What an instance is to us."""

from typing import Any

import msgspec
import pytest

from services.iam_broker.plan.standing import check_succession, identity_by_tags, identity_of
from spawn.contracts.identities import Identity, may_publish, may_subscribe
from spawn.contracts.ids import ClientToken
from spawn.contracts.instances import Described, InstanceState
from spawn.errors import Rejected
from tests.builders import ARRAY_ID, a_member, an_instance

TAGS = {
    "spawn:deployment": "ada-1",
    "spawn:array-id": ARRAY_ID,
    "spawn:ranks": "3,17,40-44",
    "spawn:generation": "1",
}


def seen(index: int = 2, state: InstanceState = InstanceState.RUNNING, **tags: str) -> Described:
    named = {f"spawn:{name}".replace("_", "-"): value for name, value in tags.items()}
    return Described(
        instance=an_instance(7, state=state),
        launch_index=index,
        client_token=ClientToken("t"),
        tags={**TAGS, **named},
    )


def test_a_record_says_who_it_is() -> None:
    member = a_member(4)
    assert identity_of(member, member.instance.id) == Identity(
        array_id=ARRAY_ID, instance_id=member.instance.id, rank=4
    )


@pytest.mark.parametrize("state", [InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED])
def test_who_has_ended_is_nobody(state: InstanceState) -> None:
    with pytest.raises(Rejected, match="has ended"):
        identity_of(a_member(4, instance=an_instance(4, state=state)), an_instance(4).id)
    with pytest.raises(Rejected, match="has ended"):
        identity_by_tags(seen(state=state), deployment="ada-1")


def test_tags_say_who_it_is() -> None:
    found = identity_by_tags(seen(), deployment="ada-1")
    assert (found.array_id, found.rank) == (ARRAY_ID, 40)


@pytest.mark.parametrize(
    "described",
    [
        seen(deployment="bob-1"),
        seen(array_id=""),
        seen(array_id="*"),
        seen(array_id=f"{ARRAY_ID}.>"),
        seen(index=7),
        seen(ranks=""),
        seen(ranks="a-b"),
    ],
)
def test_tags_of_others_say_nothing(described: Described) -> None:
    with pytest.raises(Rejected):
        identity_by_tags(described, deployment="ada-1")


@pytest.mark.parametrize(
    ("holder", "generation", "is_refused"),
    [
        (None, "1", False),
        (a_member(40, instance=an_instance(7)), "1", False),
        (a_member(40, generation=0), "1", False),
        (a_member(40, generation=1), "1", True),
        (a_member(40, generation=2), "1", True),
        (a_member(40, generation=0), "x", True),
    ],
    ids=[
        "nobody holds the rank",
        "it holds the rank itself",
        "it is to replace the holder",
        "another of its generation holds the rank",
        "it has been replaced",
        "its generation is none",
    ],
)
def test_a_rank_has_one_machine(holder: Any, generation: str, is_refused: bool) -> None:
    described = seen(generation=generation)
    if is_refused:
        with pytest.raises(Rejected, match="replaced by"):
            check_succession(described, holder)
    else:
        check_succession(described, holder)


def test_what_a_machine_may_is_its_own() -> None:
    machine = msgspec.structs.replace(identity_of(a_member(4), an_instance(4).id))
    name = f"{ARRAY_ID}.{machine.instance_id}"
    assert may_publish(machine) == (
        f"spawn.agent.{name}.>",
        f"spawn.log.{ARRAY_ID}.4",
        f"spawn.api.launcher.assignment.{name}",
        f"spawn.api.launcher.peers.{name}",
    )
    assert may_subscribe(machine) == (
        f"spawn.tell.{ARRAY_ID}.all",
        f"spawn.tell.{name}",
        f"_INBOX_machine.{machine.instance_id}.>",
    )
