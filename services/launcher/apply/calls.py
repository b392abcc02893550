"""Calls to EC2 that make the instances of one array: send an intent, trace one."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.launcher import metrics
from services.launcher.apply.boot import ensure_profile, renewed_boot
from services.launcher.apply.records import write_array, write_members
from services.launcher.model import VISIBILITY, MemberChange, Refused
from services.launcher.plan.filling import members_of, ranks_of
from services.launcher.plan.ladder import (
    choose_pool,
    generation_of,
    lease_for,
    open_intent,
    with_boot,
)
from services.launcher.plan.settlement import (
    drop_chunk,
    settle_launched,
    settle_lost,
    settle_refused,
)
from services.launcher.ports import World
from spawn.contracts.arrays import Array, Chunk, Intent
from spawn.contracts.ids import ArrayId
from spawn.contracts.instances import Described
from spawn.contracts.pools import Pool
from spawn.contracts.ranks import parse_ranks
from spawn.errors import Cause, Conflict, Outcome, Transient
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)

PROPAGATION = timedelta(minutes=2)
"""How long a new instance profile may be unknown to EC2 before the launch is given up."""

_LOOK_AGAIN = timedelta(seconds=20)
"""After this long without a profile that takes EC2 some 10 s to see, it may have been deleted."""

_MADE_NOTHING = frozenset({Cause.THROTTLED, Cause.PROPAGATING})
"""Answers to a RunInstances call that EC2 has surely not performed."""

_MOST_TRIES = 20

_FIRST_PAUSE = timedelta(seconds=0.2)
_LONGEST_PAUSE = timedelta(seconds=5)


async def open_next(world: World, array_id: ArrayId, chunk: Chunk) -> Intent | None:
    """Wait for a turn, then write the intent of a chunk; None when there is nothing to send.

    Raises `Conflict` when the array is being ended meanwhile.
    """
    entry = world.fleet.array(array_id)
    if entry is None:
        return None
    count = len(parse_ranks(chunk.ranks))
    pacer = world.aws.ec2(entry.value.region).pacer
    if choose_pool(entry.value, chunk, world.memory.exhausted, now=world.clock.now()):
        await pacer.take("RunInstances", instances=count, key=array_id)
    boot = await renewed_boot(world, entry.value) if chunk.is_succession else None

    def write_down(array: Array) -> Array:
        now = world.clock.now()
        pool = choose_pool(array, chunk, world.memory.exhausted, now=now)
        if pool is None:
            return drop_chunk(array, chunk, now=now)
        template = world.agent.template if world.agent else ""
        generation = generation_of(chunk, world.fleet.members(array_id))
        lease = lease_for(chunk, array, world.fleet.own_leases(array_id), now=now)
        return open_intent(
            with_boot(array, boot),
            chunk,
            pool,
            generation=generation,
            template=template,
            lease=lease,
            now=now,
        )

    try:
        after = await write_array(world, array_id, write_down)
    except Conflict:
        pacer.give_back("RunInstances", instances=count)
        raise
    return next((each for each in after.intents if each.chunk.number == chunk.number), None)


async def send(world: World, array_id: ArrayId, intent: Intent, *, is_new: bool = True) -> None:
    """Send an intent's stored request until EC2 has answered it, and record the answer.

    The first call's turn has been taken by the caller. Nothing more is sent once the array is
    being ended: an intent that has surely made nothing is then closed, another one is left to
    be traced. `is_new` says that the request has never been sent before.
    """
    ec2 = world.aws.ec2(intent.request.region)
    pause, looked_at = _FIRST_PAUSE, world.clock.now()
    made_nothing = is_new
    while not _is_ending(world, array_id):
        try:
            world.memory.count((array_id,), "RunInstances")
            made = await ec2.run_instances(intent.request)
        except Outcome as outcome:
            if await _settle_outcome(world, array_id, intent, outcome, sure=made_nothing):
                return
            made_nothing = made_nothing and outcome.cause in _MADE_NOTHING
            _log.info(
                "run again", client_token=intent.token, code=outcome.code, why=outcome.message
            )
            if outcome.cause is Cause.PROPAGATING and _now(world) - looked_at >= _LOOK_AGAIN:
                await _look_at_profile(world, array_id)
                looked_at = _now(world)
        else:
            await _record(world, array_id, intent, made, complete=True)
            return
        await world.clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        await ec2.pacer.take("RunInstances", instances=0, key=array_id)
    if made_nothing:
        await _close(world, array_id, intent)


async def trace(world: World, array_id: ArrayId, intent: Intent) -> None:
    """Find what an intent has made by its tags and token, without sending it again.

    An intent is closed when all that it asked for is found, or when EC2 has had the time in
    which it may hide an instance; what is found meanwhile is recorded at once.
    """
    # Not from its opening: a throttled request may have been performed long after.
    begun, pause = world.clock.now(), _FIRST_PAUSE
    while True:
        made = await _find(world, array_id, intent)
        over = world.clock.now() - begun >= VISIBILITY
        complete = over or len(made) == intent.request.max_count
        if made:
            await _record(world, array_id, intent, made, complete=complete)
        elif over:
            await _close(world, array_id, intent)
        if complete:
            return
        await world.clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _settle_outcome(
    world: World, array_id: ArrayId, intent: Intent, outcome: Outcome, *, sure: bool
) -> bool:
    """Record a final outcome and return True; return False when the request goes out again.

    `sure` says that no try before this one can have made anything.
    """
    now = _now(world)
    match outcome.cause:
        case Cause.EXISTS:
            await trace(world, array_id, intent)
        case Cause.ABSENT if isinstance(outcome, Conflict):
            await _close(world, array_id, intent)
        case Cause.CAPACITY:
            _count_full(intent.pool)
            if intent.chunk.partial or intent.request.max_count == 1:
                until = now + world.settings.pool_memory
                world.memory.exhausted[intent.pool] = until
            await _refuse(world, array_id, intent, outcome, made_nothing=True)
        case Cause.THROTTLED | Cause.UNREACHABLE | Cause.INTERNAL:
            return False
        case Cause.PROPAGATING if now - intent.opened_at < PROPAGATION:
            return False
        case _:
            await _refuse(world, array_id, intent, outcome, made_nothing=sure)
    return True


async def _look_at_profile(world: World, array_id: ArrayId) -> None:
    """Have the broker look whether the profile is there, which EC2 has not known for a while."""
    entry = world.fleet.array(array_id)
    if entry is None:
        return
    try:
        await ensure_profile(world, entry.value, again=True)
    except Outcome as outcome:
        # The launch ends by its own deadline, and says then that EC2 does not know the profile.
        _log.warning("profile is not ensured", code=outcome.code, why=outcome.message)


async def _close(world: World, array_id: ArrayId, intent: Intent) -> None:
    await write_array(
        world, array_id, lambda array: settle_lost(array, intent.token, now=_now(world))
    )


async def _refuse(
    world: World, array_id: ArrayId, intent: Intent, outcome: Outcome, *, made_nothing: bool
) -> None:
    refused = Refused(cause=outcome.cause, code=outcome.code, message=outcome.message)
    await write_array(
        world,
        array_id,
        lambda array: settle_refused(
            array, intent.token, refused, made_nothing=made_nothing, now=_now(world)
        ),
    )


async def _record(
    world: World,
    array_id: ArrayId,
    intent: Intent,
    made: Iterable[Described],
    *,
    complete: bool,
) -> None:
    entry = world.fleet.array(array_id)
    if entry is None:
        return
    made = tuple(made)
    await _fill(world, entry.value, intent, made)
    if not complete:
        return
    if len(made) < intent.request.max_count:
        world.memory.exhausted[intent.pool] = _now(world) + world.settings.pool_memory
        _count_full(intent.pool)
    filled = ranks_of(intent, made)
    await write_array(
        world,
        array_id,
        lambda array: settle_launched(array, intent.token, filled, now=_now(world)),
    )


async def _fill(world: World, array: Array, intent: Intent, made: tuple[Described, ...]) -> None:
    """Record all instances: the machine of a former one may report at this very moment."""
    for _ in range(_MOST_TRIES):
        known = world.fleet.members(array.id)
        members = members_of(array, intent, made, known, now=_now(world))
        if not members:
            return
        changes = (MemberChange(member=each, reason="launched") for each in members)
        if len(await write_members(world, changes)) == len(members):
            return
    raise Transient(f"{array.id}: others write its members all the time")


async def _find(world: World, array_id: ArrayId, intent: Intent) -> tuple[Described, ...]:
    world.memory.count((array_id,), "DescribeInstances")
    found = await world.aws.ec2(intent.request.region).describe_instances(
        tags={"spawn:array-id": array_id}
    )
    return tuple(each for each in found if each.client_token == intent.token)


def _count_full(pool: Pool) -> None:
    family = pool.instance_type.partition(".")[0]
    metrics.CAPACITY.labels(pool.market, family).inc()


def _is_ending(world: World, array_id: ArrayId) -> bool:
    entry = world.fleet.array(array_id)
    return entry is None or entry.value.ending is not None


def _now(world: World) -> datetime:
    return world.clock.now()
