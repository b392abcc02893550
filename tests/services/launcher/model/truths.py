"""What must hold once everything has come to rest, whatever happened before."""

from collections import Counter, defaultdict
from itertools import pairwise

from spawn.contracts import arrays, launches
from spawn.contracts.arrays import Array, ArrayState, NameClaim, name_key
from spawn.contracts.events import Event
from spawn.contracts.ids import ArrayId, InstanceId
from spawn.contracts.members import Member
from tests.fakes.bus import FakeStore
from tests.fakes.ec2 import Machine
from tests.services.launcher.model.plane import Plane

AT_REST = {ArrayState.READY, ArrayState.DEGRADED, ArrayState.RECOVERED}
SURELY_TOLD = 200.0
"""Seconds after which a living launcher has noted that an event is told."""

LAST_WORDS = {"array.terminated", "array.failed"}
ORDER = ("launched", "running", "terminated")


def check_all(plane: Plane) -> None:
    """Assert everything below."""
    check_tokens(plane)
    check_once(plane)
    check_names(plane)
    assert plane.failures == []
    for array in plane.all_arrays():
        check_array(plane, array)
        check_events(plane, array)
    check_claims(plane)


def check_tokens(plane: Plane) -> None:
    """No token was used for two reservations; nothing was made for the same chunk twice."""
    reservations = plane.ec2.reservations()
    tokens = Counter(token for token, _ in reservations)
    assert {token: times for token, times in tokens.items() if times > 1} == {}


def check_names(plane: Plane) -> None:
    """A name is held by one array at a time."""
    names = Counter(array.name for array in plane.all_arrays() if not array.state.is_over)
    assert all(times == 1 for times in names.values())


def check_array(plane: Plane, array: Array) -> None:
    """The record is at rest and agrees with the cloud."""
    assert array.state.is_over or array.state in AT_REST, f"{array.id} is still {array.state}"
    assert (array.chunks, array.intents) == ((), ())
    living = living_of(plane, array.id)
    held = plane.members(array.id)
    claimed = {member.instance.id for member in held if not member.is_over}
    assert {machine.id for machine in living} == claimed
    tagged = {machine.id: machine.tags["spawn:generation"] for machine in living}
    for member in held:
        assert tagged.get(member.instance.id, str(member.generation)) == str(member.generation)
    ranks = [member.rank for member in held]
    assert len(set(ranks)) == len(ranks)
    assert all(0 <= rank < array.size for rank in ranks)
    if array.state is ArrayState.READY:
        assert len(claimed) == len(held) >= array.min_count
    if array.state.is_over:
        assert living == []
        check_released(plane, array)


def check_released(plane: Plane, array: Array) -> None:
    """An array that is over holds neither its name nor its job."""
    names = plane.bus.buckets[arrays.BUCKET].records
    claim = names.get(name_key(array.name))
    if claim is not None and claim.data is not None:
        held = FakeStore(plane.bus, arrays.BUCKET, NameClaim)
        entry = plane.loop.run_until_complete(held.get(name_key(array.name)))
        assert entry.value.array_id != array.id
    job = plane.bus.buckets[launches.SPECS_BUCKET].records.get(array.id)
    assert job is None or job.data is None


def check_claims(plane: Plane) -> None:
    """No instance lives that no member names, and none fills a rank beside another."""
    claimed: set[InstanceId] = set()
    for array in plane.all_arrays():
        claimed |= {member.instance.id for member in plane.members(array.id)}
    assert set(plane.ec2.living()) - claimed == set()


def check_once(plane: Plane) -> None:
    """No event is told twice, except one whose teller died at once and was long not replaced.

    Nobody can know whether such a one was told; all who follow know it by its id.
    """
    for id_, first in plane.events.stored_again:
        assert any(first <= death <= first + SURELY_TOLD for death in plane.deaths), id_


def check_events(plane: Plane, array: Array) -> None:
    """What was told of a member is its history, in order."""
    told = list({event.id: event for event in plane.told(array.id)}.values())
    # A request that was refused may be sent again later, and then be taken.
    names = [event.name for event in told if event.name != "array.rejected"]
    by_rank: dict[int, list[Event]] = defaultdict(list)
    for event in told:
        rank = getattr(event.data, "rank", None)
        if rank is not None:
            by_rank[rank].append(event)
    for member in plane.members(array.id):
        check_member(member, by_rank[member.rank])
    check_last_words(array, names)


def check_last_words(array: Array, names: list[str]) -> None:
    """The array's own events agree with its state, and its end is told last and once."""
    assert names.count("array.accepted") <= 1
    if array.state is not ArrayState.RECOVERED and array.request_id:
        assert names[0] == "array.accepted"
    ends = [name for name in names if name in LAST_WORDS]
    if array.state in {ArrayState.TERMINATED, ArrayState.FAILED}:
        assert ends == [f"array.{array.state}"]
        assert names[-1] in LAST_WORDS
    else:
        assert ends == []
    assert ("array.ready" in names) >= (array.state is ArrayState.READY)
    assert names.count("array.ready") <= 1


def check_member(member: Member, told: list[Event]) -> None:
    """One rank's events: versions rise, and each generation is launched, runs and ends."""
    versions = [int(event.id.rsplit("/", 1)[1]) for event in told]
    assert all(a < b for a, b in pairwise(versions)), [event.id for event in told]
    by_generation: dict[int, list[str]] = defaultdict(list)
    for event in told:
        by_generation[getattr(event.data, "generation", 0)].append(event.name.split(".")[1])
    assert list(by_generation) == sorted(by_generation)
    for verbs in by_generation.values():
        places = [ORDER.index(verb) for verb in _first_course(verbs) if verb in ORDER]
        assert places == sorted(set(places)), verbs
    verbs = by_generation[member.generation]
    assert ("terminated" in verbs) == member.is_over


def living_of(plane: Plane, array: ArrayId) -> list[Machine]:
    """Return the instances that live under the array's tag."""
    living = (plane.ec2.machines[id_] for id_ in plane.ec2.living())
    return [each for each in living if each.tags.get("spawn:array-id") == array]


def _first_course(verbs: list[str]) -> list[str]:
    """Leave out what a machine does that was stopped and is started again."""
    restarts = {
        place
        for place, (before, verb) in enumerate(pairwise(verbs), start=1)
        if verb == "running" and before in {"stopping", "stopped"}
    }
    return [verb for place, verb in enumerate(verbs) if place not in restarts]
