"""What is to stand in the zone, of which members."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.dns.model import Slot, Wanted
from services.dns.plan.names import wanted_of
from services.dns.plan.slots import WHOLE
from spawn.contracts.arrays import Array, ArrayState
from spawn.contracts.assignments import master_port
from spawn.contracts.ids import InstanceId
from spawn.contracts.instances import InstanceState
from spawn.contracts.launches import AddressKind
from spawn.contracts.members import Member, MemberState
from spawn.contracts.zones import Record
from tests.builders import an_ending, an_instance
from tests.services.dns.worlds import BASE, NAMING, a_member, named_array

TTL = timedelta(seconds=30)


def wanted(array: Array, *held: Member, leaving: frozenset[InstanceId] = frozenset()) -> Wanted:
    return wanted_of(array, {m.rank: m for m in held}, leaving=leaving, naming=NAMING)


def short(found: Wanted) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (each.name.removesuffix(f".{BASE}"), str(each.type)): each.values
        for each in found.records.values()
    }


def test_each_rank_has_a_name_and_all_have_one() -> None:
    array = named_array(size=2)
    port = master_port(array.id)
    assert short(wanted(array, a_member(array, 1), a_member(array, 0))) == {
        ("training-0", "A"): ("10.0.0.1",),
        ("training-1", "A"): ("10.0.0.2",),
        ("training", "A"): ("10.0.0.1", "10.0.0.2"),
        ("_spawn._tcp.training", "SRV"): (
            f"0 0 {port} training-0.{BASE}.",
            f"1 0 {port} training-1.{BASE}.",
        ),
    }


def test_a_machine_of_its_own_has_the_name_alone() -> None:
    array = named_array("dev", 1)
    found = wanted(array, a_member(array, 0))
    assert found.records == {Slot("a", 0): Record(f"dev.{BASE}", "A", ("10.0.0.1",), TTL)}
    assert [each.rank for each in found.hosts] == [0]


def test_a_launch_may_choose_what_names_begin_with() -> None:
    array = named_array(size=2)
    chosen = msgspec.structs.replace(array.spec, dns="llm")
    found = wanted(msgspec.structs.replace(array, spec=chosen), a_member(array, 0))
    assert ("llm-0", "A") in short(found)
    assert ("training-0", "A") not in short(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": MemberState.LAUNCHED, "instance": an_instance(1)},
        {"state": MemberState.LOST},
        {"instance": an_instance(1, state=InstanceState.STOPPING)},
        {"instance": an_instance(1, state=InstanceState.SHUTTING_DOWN)},
        {"instance": an_instance(1, state=InstanceState.TERMINATED)},
        {"instance": an_instance(1, state=InstanceState.RUNNING, private_ip="")},
    ],
    ids=["not running yet", "lost", "stopping", "going", "gone", "without an address"],
)
def test_what_does_not_run_has_no_name(changes: dict[str, Any]) -> None:
    array = named_array(size=2)
    found = wanted(array, a_member(array, 0), a_member(array, 1, **changes))
    assert {name for name, kind in short(found) if kind == "A"} == {"training", "training-0"}


@pytest.mark.parametrize("why", ["notice", "exited"])
def test_who_is_going_leaves_the_group_and_keeps_its_name(why: str) -> None:
    array = named_array(size=2)
    going = a_member(array, 1, state=MemberState.EXITED if why == "exited" else MemberState.READY)
    leaving = frozenset({going.instance.id}) if why == "notice" else frozenset[InstanceId]()
    found = short(wanted(array, a_member(array, 0), going, leaving=leaving))
    assert found["training", "A"] == ("10.0.0.1",)
    assert found["training-1", "A"] == ("10.0.0.2",)
    assert len(found["_spawn._tcp.training", "SRV"]) == 1


@pytest.mark.parametrize(
    "changes",
    [{"state": ArrayState.TERMINATED}, {"ending": an_ending()}],
    ids=["over", "being ended"],
)
def test_an_array_that_ends_has_no_names(changes: dict[str, Any]) -> None:
    array = named_array(size=2, **changes)
    found = wanted(array, a_member(array, 0))
    assert (found.records, found.hosts) == ({}, ())


def test_public_addresses_are_a_choice_of_the_launch() -> None:
    array = named_array(size=1)
    chosen = msgspec.structs.replace(array.spec, dns_address=AddressKind.PUBLIC)
    instance = an_instance(0, state=InstanceState.RUNNING, public_ip="198.51.100.7")
    array = msgspec.structs.replace(array, spec=chosen)
    assert [each.address for each in wanted(array, a_member(array, 0, instance=instance)).hosts] \
        == ["198.51.100.7"]  # fmt: skip


def test_ipv6_addresses_have_records_of_their_own() -> None:
    array = named_array(size=2)
    instance = an_instance(0, state=InstanceState.RUNNING, ipv6_address="2001:db8::1")
    found = short(wanted(array, a_member(array, 0, instance=instance), a_member(array, 1)))
    assert found["training-0", "AAAA"] == ("2001:db8::1",)
    assert found["training", "AAAA"] == ("2001:db8::1",)
    assert ("training-1", "AAAA") not in found


def test_a_machine_without_a_public_ipv4_address_is_reached_by_its_ipv6_one() -> None:
    array = named_array(size=1)
    chosen = msgspec.structs.replace(array.spec, dns_address=AddressKind.PUBLIC)
    array = msgspec.structs.replace(array, spec=chosen)
    instance = an_instance(0, state=InstanceState.RUNNING, ipv6_address="2001:db8::1")
    found = wanted(array, a_member(array, 0, instance=instance))
    assert short(found) == {("training", "AAAA"): ("2001:db8::1",)}
    assert [each.address for each in found.hosts] == ["2001:db8::1"]


class TestLargeGroups:
    def found(self, size: int, *, missing: range = range(0)) -> Wanted:
        array = named_array(size=size)
        ranks = sorted(set(range(size)) - set(missing))
        return wanted(array, *(a_member(array, rank) for rank in ranks))

    def test_up_to_200_have_one_name(self) -> None:
        names = {slot.number for slot in self.found(200).records if slot.kind == "group-a"}
        assert names == {WHOLE}

    def test_above_that_200_share_one_and_the_first_have_the_groups(self) -> None:
        records = self.found(450).records
        sizes = {
            slot.number: len(record.values)
            for slot, record in records.items()
            if slot.kind == "group-a"
        }
        assert sizes == {WHOLE: 200, 0: 200, 1: 200, 2: 50}
        assert records[Slot("group-a", WHOLE)].values == records[Slot("group-a", 0)].values
        assert records[Slot("group-srv", 2)].name == f"_spawn._tcp.g2.training.{BASE}"

    def test_who_leaves_one_part_moves_nobody_to_another(self) -> None:
        whole, less = self.found(450).records, self.found(450, missing=range(3, 10)).records
        changed = {slot for slot, record in whole.items() if less.get(slot) != record}
        assert {slot.number for slot in changed if slot.kind == "group-a"} == {WHOLE, 0}

    def test_without_its_first_part_the_group_holds_the_next(self) -> None:
        records = self.found(450, missing=range(200)).records
        assert records[Slot("group-a", WHOLE)].values == records[Slot("group-a", 1)].values

    def test_no_record_is_larger_than_a_change_takes(self) -> None:
        base = ".".join(["x" * 52] * 3)
        array = named_array("n" * 40, 1000)
        held = {rank: a_member(array, rank) for rank in range(1000)}
        naming = msgspec.structs.replace(NAMING, base=base)
        found = wanted_of(array, held, leaving=frozenset(), naming=naming)
        assert max(sum(map(len, each.values)) for each in found.records.values()) <= 14_000
        assert max(len(each.name) for each in found.records.values()) < 253
