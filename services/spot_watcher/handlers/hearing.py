"""What is heard of an instance: one road, whoever said it."""

from services.spot_watcher import metrics
from services.spot_watcher.apply import apply, hint
from services.spot_watcher.model import Changed, Create, Heard, Holder, Renew
from services.spot_watcher.plan.notices import decide
from services.spot_watcher.ports import World
from spawn.bus.ports import Entry, Reported
from spawn.contracts.notices import Notice, notice_key
from spawn.contracts.reports import NoticeSeen, Report
from spawn.errors import Conflict, NotFound, Transient
from spawn.telemetry.log import bind, get_logger

_log = get_logger(__name__)

_MOST_TRIES = 20


async def on_seen(said: Reported[Report], world: World) -> None:
    """Take a notice that a machine has read from its metadata service."""
    report = said.report
    if not isinstance(report, NoticeSeen):
        return
    await world.memory.known()
    holder = world.memory.holder(said.instance_id)
    if holder is None:
        # The bus has let it in: it is ours, and our copy of its record may come later.
        holder = Holder(said.array_id, await _rank_of(world, said), report.generation)
    heard = Heard(
        instance_id=said.instance_id,
        kind=report.kind,
        action=report.action,
        source=report.source,
        at=report.at,
        dies_at=report.dies_at,
    )
    await hear(heard, holder, world)


async def hear(heard: Heard, holder: Holder, world: World) -> None:
    """Give notice of what was heard, unless it was given; returns once it is on the bus."""
    metrics.HEARD.labels(heard.source.value, heard.kind.value).inc()
    key = notice_key(heard.instance_id, heard.kind, heard.action)
    with bind(array_id=holder.array_id, instance_id=heard.instance_id):
        for _ in range(_MOST_TRIES):
            known = await _known(world, key)
            step = decide(
                heard,
                holder,
                None if known is None else known.value,
                deployment=world.deployment,
                now=world.clock.now(),
            )
            try:
                await apply(world, step, known)
            except Conflict:
                # Another replica has heard it, too, and was faster.
                continue
            if isinstance(step, Create | Renew):
                _note(heard, world)
            return
        raise Transient(f"{key}: others write it all the time")


async def take_hint(changed: Changed, world: World) -> None:
    """Pass on that an instance has changed, where that is news to the launcher."""
    holder = world.memory.holder(changed.instance_id)
    array = None if holder is None else world.memory.arrays.get(holder.array_id)
    if holder is None or array is None:
        metrics.DROPPED.labels("foreign").inc()
    elif array.value.ending is None and not array.value.state.is_over:
        metrics.HEARD.labels("events", "state").inc()
        await hint(world, changed, holder)


def _note(heard: Heard, world: World) -> None:
    late = world.clock.now() - heard.at
    metrics.DELAY.observe(max(0.0, late.total_seconds()))
    _log.info("notice", kind=heard.kind.value, action=heard.action.value)


async def _known(world: World, key: str) -> Entry[Notice] | None:
    try:
        return await world.stores.notices.get(key)
    except NotFound:
        return None


async def _rank_of(world: World, said: Reported[Report]) -> int:
    members = await world.stores.members.load(f"{said.array_id}.*")
    for entry in members.values():
        if said.instance_id in {each.id for each in entry.value.instances}:
            return entry.value.rank
    raise NotFound(f"{said.instance_id} is no member of {said.array_id}")
