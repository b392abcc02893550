"""Members come, move and go; after each step the real zone is what follows from them."""

import random
from datetime import timedelta

import pytest

from services.dns.memory import ZoneCopy
from services.dns.model import Holder, Naming
from services.dns.plan.batches import first_batch, seal
from services.dns.plan.difference import edits_of, in_order
from services.dns.plan.names import wanted_of
from services.dns.plan.ownership import owners
from services.dns.ports import ZonePort
from spawn.contracts.launches import AddressKind
from spawn.contracts.zones import Change, Record, RecordType
from tests.services.dns.worlds import a_member, named_array

pytestmark = pytest.mark.door

SIZE = 250
TTL = timedelta(seconds=30)


async def test_a_history_of_an_array_beside_strangers(zone: ZonePort, base: str) -> None:
    chance = random.Random(6)
    array = named_array(size=SIZE)
    naming = Naming(deployment="test", base=base, ttl=TTL, address=AddressKind.PRIVATE)
    holders = {"training": Holder(array_id=array.id, size=SIZE)}
    strangers = (
        Record(f"training-7.{base}", "A", ("192.0.2.7",), TTL),
        Record(f"training-8.{base}", "CNAME", ("www.example.org.",), TTL),
        Record(base, "MX", ("10 mail.example.net.",), TTL),
    )
    await zone.change(tuple(Change(None, each) for each in strangers))
    sizes = [SIZE, *(chance.randrange(1, SIZE) for _ in range(4)), 0]
    for number, size in enumerate(sizes):
        held = {
            rank: a_member(array, rank, number=rank + 300 * number * chance.randrange(2))
            for rank in chance.sample(range(SIZE), size)
        }
        wanted = wanted_of(array, held, leaving=frozenset(), naming=naming)
        copy = ZoneCopy(await zone.records())
        while True:
            ours, _ = owners(copy.records.values(), naming)
            edits = in_order(edits_of(wanted, ours.get("training"), copy.records, base=base)[0])
            if not edits:
                break
            batch = first_batch(edits, copy.records, zone.limits, base=base)
            changes = seal(batch, zone=copy.records, ours=ours, holders=holders, naming=naming)
            await zone.change(changes)
            copy.apply(changes)
        found = {each.key: sorted(each.values) for each in await zone.records()}
        theirs = {each.key: sorted(each.values) for each in strangers}
        mine = {
            each.key: sorted(each.values)
            for each in wanted.records.values()
            if each.name not in {stranger.name for stranger in strangers[:2]}
        }
        texts = {key: each for key, each in found.items() if key[1] == RecordType.TXT}
        assert found == mine | theirs | texts
        assert len(texts) == (1 if mine else 0)
