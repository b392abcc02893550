"""What must hold of an array whatever was killed, lost or delayed on its way."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from spawn.contracts.arrays import ArrayState
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, client_token
from spawn.contracts.members import MemberState
from tests.faults.plant import Plant

LIVING = ("pending", "running", "stopping", "stopped")


async def instances(plant: Plant, *, array: str = "") -> dict[str, dict[str, Any]]:
    """Return the instances that the cloud has made for the deployment (or one array), by id."""
    client = client_of(plant)
    tag, value = ("array-id", array) if array else ("deployment", plant.deployment)
    wanted = [{"Name": f"tag:spawn:{tag}", "Values": [value]}]

    def read() -> dict[str, dict[str, Any]]:
        pages = client.get_paginator("describe_instances").paginate(Filters=wanted)
        return {
            each["InstanceId"]: each
            for page in pages
            for reservation in page["Reservations"]
            for each in reservation["Instances"]
        }

    return await asyncio.to_thread(read)


_CLIENTS: dict[str, Any] = {}


def client_of(plant: Plant) -> Any:
    """Return one EC2 client for all questions to a cloud: making one is slow."""
    endpoint = plant.cloud.endpoint
    if endpoint not in _CLIENTS:
        _CLIENTS[endpoint] = plant.cloud.client("ec2")
    return _CLIENTS[endpoint]


def living(found: dict[str, dict[str, Any]]) -> set[str]:
    return {id_ for id_, each in found.items() if each["State"]["Name"] in LIVING}


async def check_ready(plant: Plant, array_id: ArrayId, *, size: int) -> None:
    """The array is ready; each rank has one running instance, and there are no others."""
    array = await plant.array(array_id)
    assert array.state is ArrayState.READY, array.state
    assert (array.chunks, array.intents) == ((), ())
    members = await plant.members_of(array_id)
    assert sorted(member.rank for member in members) == list(range(size))
    assert {member.state for member in members} == {MemberState.RUNNING}
    assert {member.generation for member in members} == {0}
    claimed = {member.instance.id for member in members}
    assert len(claimed) == size, "an instance fills two ranks"
    made = await instances(plant, array=array_id)
    assert set(made) == claimed, "instances that no member claims"


async def check_ended(plant: Plant, array_id: ArrayId, *, size: int, state: ArrayState) -> None:
    """Nothing of the array is left, and each of its members says so."""
    array = await plant.array(array_id)
    assert array.state is state, array.state
    assert (array.chunks, array.intents) == ((), ())
    made = await instances(plant, array=array_id)
    assert len(made) == size
    assert not living(made)
    members = await plant.members_of(array_id)
    assert {member.state for member in members} <= {MemberState.EXITED, MemberState.LOST}
    assert {member.instance.id for member in members} == set(made)


def reservations(plant: Plant, array_id: ArrayId) -> dict[str, set[str]]:
    """Return the reservations that EC2 has made for the array, by client token."""
    ours = {client_token(array_id, chunk, attempt) for chunk in range(50) for attempt in range(20)}
    made: dict[str, set[str]] = defaultdict(set)
    for entry in plant.cloud.admin.state()["launches"]:
        if entry["client_token"] in ours and entry["count"]:
            made[entry["client_token"]].add(entry["reservation_id"])
    return made


async def check_tokens(plant: Plant, array_id: ArrayId) -> None:
    """No token has made two reservations, and every instance was made by a token of ours."""
    made = await asyncio.to_thread(reservations, plant, array_id)
    twice = {token: ids for token, ids in made.items() if len(ids) != 1}
    assert not twice, f"tokens of several reservations: {twice}"
    found = await instances(plant, array=array_id)
    assert {each["ClientToken"] for each in found.values()} == set(made)


def check_ids(events: Iterable[Event]) -> None:
    """No event is told twice."""
    counts = Counter(event.id for event in events)
    assert set(counts.values()) <= {1}, [id_ for id_, n in counts.items() if n > 1]


def told(events: Iterable[Event]) -> Counter[str]:
    """Count events by name and rank."""
    ranks = ((event.name, getattr(event.data, "rank", None)) for event in events)
    return Counter(name if rank is None else f"{name}/{rank}" for name, rank in ranks)


def launched(size: int) -> Counter[str]:
    """Return what is told of an array up to its being ready, at once and in the first pool."""
    ranks = (f"instance.{verb}/{n}" for verb in ("launched", "running") for n in range(size))
    return Counter(("array.accepted", "array.launching", "array.ready", *ranks))


def whole_life(size: int) -> Counter[str]:
    """Return what is told of an array that is launched at once and then terminated."""
    ended = (f"instance.terminated/{rank}" for rank in range(size))
    return launched(size) + Counter(("array.terminated", *ended))
