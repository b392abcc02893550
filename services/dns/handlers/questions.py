"""What people ask about names: which there are, whether they are right, and which are stale."""

from collections.abc import Iterable

from services.dns.apply import change_zone
from services.dns.handlers.view import View, is_marked
from services.dns.memory import ZoneCopy
from services.dns.plan.answers import (
    difference_of,
    difference_of_blocked,
    differences_of_told,
    owned_records,
    place,
    removed_by,
)
from services.dns.ports import World, ZonePort
from spawn.bus.ports import Request
from spawn.contracts.hostnames import (
    CheckRecords,
    CollectRecords,
    Difference,
    ListRecords,
    OwnedRecord,
    RecordCheck,
    RecordCollection,
    RecordList,
)
from spawn.contracts.ids import ArrayId
from spawn.errors import Rejected

MOST_DIFFERENCES = 500
_LARGEST = 400_000
"""Characters of one answer, well below what a message may have."""


async def on_list(request: Request[ListRecords], world: World) -> RecordList:
    """Return our records in the zone, as it is now."""
    view, body = await _look(world, _zone(world)), request.body
    listed = owned_records(view.ours, view.records, base=view.naming.base)
    wanted = [
        each
        for each in listed
        if body.array_id in {"", each.array_id} and place(each) > body.after
    ]
    page = _page(wanted)
    return RecordList(
        records=page, more=place(page[-1]) if page and len(page) < len(wanted) else ""
    )


async def on_check(request: Request[CheckRecords], world: World) -> RecordCheck:
    """Compare zone, members and what is told, as they are now."""
    view, asked = await _look(world, _zone(world)), request.body.array_id
    found = [each for each in _differences(view, world) if asked in {"", each.array_id}]
    differing = {(each.name, each.type) for each in found}
    listed = owned_records(view.ours, view.records, base=view.naming.base)
    agreeing = [
        each
        for each in listed
        if asked in {"", each.array_id} and (each.name, each.type) not in differing
    ]
    return RecordCheck(
        base=view.naming.base,
        backend=world.settings.dns_backend,
        agreeing=len(agreeing),
        differences=tuple(found[:MOST_DIFFERENCES]),
        untold=max(0, len(found) - MOST_DIFFERENCES),
    )


async def on_collect(request: Request[CollectRecords], world: World) -> RecordCollection:
    """Name the records that nobody wants, and remove them unless it is a dry run.

    They are what the registrar removes by itself when it looks at the zone.
    """
    zone = _zone(world)
    view = await _look(world, zone)
    stale = tuple(removed_by(view.stale(), view.array_ids()))[:MOST_DIFFERENCES]
    if request.body.dry_run or not stale:
        return RecordCollection(stale=stale, acted=False)
    while edits := view.first_batch(zone.limits, edits=view.stale()):
        changes = view.seal(edits)
        await change_zone(zone, changes)
        view.take_changes(changes)
    return RecordCollection(stale=stale, acted=True)


def _differences(view: View, world: World) -> Iterable[Difference]:
    told = {key: each.value for key, each in world.memory.hostnames.items().items()}
    array_ids = view.array_ids()
    named: set[str] = set()
    for edit in view.edits():
        array_id = array_ids.get(edit.stem, "")
        found = difference_of(edit, array_id, told.get(array_id))
        if found is not None:
            named.add(found.name)
            yield found
    for array_id, blocked in view.all_blocked():
        yield from (difference_of_blocked(each, array_id) for each in blocked)
    for array_id, known in told.items():
        hosts = view.standing_of(ArrayId(array_id)).hosts
        yield from differences_of_told(known, hosts, skip=frozenset(named))


async def _look(world: World, zone: ZonePort) -> View:
    await world.memory.known()
    view = View(world.naming)
    view.take_zone(ZoneCopy(await zone.records()))
    view.refresh(world.memory, {ArrayId(key) for key in world.memory.arrays.items()})
    view.is_marked = await is_marked(world)
    return view


def _page(wanted: list[OwnedRecord]) -> tuple[OwnedRecord, ...]:
    size, page = 0, list[OwnedRecord]()
    for each in wanted:
        size += len(each.name) + 100 + sum(len(value) + 3 for value in each.values)
        if page and size > _LARGEST:
            break
        page.append(each)
    return tuple(page)


def _zone(world: World) -> ZonePort:
    if world.zone is None:
        raise Rejected(
            "this deployment makes no names: set SPAWN_DNS_BACKEND and SPAWN_DNS_BASE",
            field="SPAWN_DNS_BACKEND",
            code="no-dns",
        )
    return world.zone
