"""Collecting: what nobody needs any more is taken apart, and what is needed is noted."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from services.iam_broker import metrics
from services.iam_broker.apply import forget, note_use, record, take_step
from services.iam_broker.handlers.ensure import fence_key
from services.iam_broker.handlers.look import find_profile, find_role
from services.iam_broker.model import Keep, Uses
from services.iam_broker.plan.collection import (
    Terms,
    due_for_note,
    find_uses,
    steps_away,
    why_foreign,
    why_recent,
    why_used,
)
from services.iam_broker.plan.grants import DEPLOYMENT_TAG, HASH_TAG, PATH
from services.iam_broker.ports import World
from spawn.bus.ports import Fence, Request
from spawn.contracts.grants import CollectedGrants, CollectGrants, Grant, KeptGrant
from spawn.contracts.instances import Described, InstanceState
from spawn.errors import Conflict, NotFound, Rejected

_LIVING = tuple(state for state in InstanceState if state is not InstanceState.TERMINATED)

COLLECT_EVERY = timedelta(minutes=10)
_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What is in use now, and by what it is judged; with `act` it is acted on."""

    uses: Uses
    terms: Terms
    act: bool


async def on_collect(request: Request[CollectGrants], world: World) -> CollectedGrants:
    """Delete unused grants now, or say which would be, and why the others stay."""
    body = request.body
    grace = timedelta() if body.now else world.settings.iam_grace
    return await _collect(world, grace, act=not body.dry_run)


async def collect_unused(world: World) -> None:
    """Delete, now and then, what nobody has needed for its grace; runs until it is cancelled."""
    while True:
        # Not at once: a control plane that starts has more urgent things to ask AWS.
        await world.clock.sleep(min(COLLECT_EVERY, world.settings.iam_grace / 2))
        async with world.fences.hold("grants.collect") as fence:
            if fence is not None:
                await _collect(world, world.settings.iam_grace, act=True)


async def _collect(world: World, grace: timedelta, *, act: bool) -> CollectedGrants:
    terms = Terms(deployment=world.deployment, now=world.clock.now(), grace=grace)
    look = _Look(uses=await _uses(world), terms=terms, act=act)
    known = {each.value.hash: each.value for each in (await world.stores.grants.load()).values()}
    removed: list[str] = []
    kept: list[KeptGrant] = []
    by_role = {grant.role: grant for grant in known.values() if grant.ours}
    names = await world.aws.iam().roles(PATH)
    for name in names:
        why = await _judge(world, name, by_role.get(name), look)
        if why is None:
            removed.append(name)
        else:
            kept.append(KeptGrant(role=name, reason=why.reason))
    if act:
        every = min(world.settings.iam_grace / 4, _NOTED_EVERY)
        for digest in due_for_note(known, look.uses, now=terms.now, every=every):
            await note_use(world, known[digest])
        await _forget_stray(world, known, names, look)
    return CollectedGrants(removed=tuple(removed), kept=tuple(kept), acted=act)


async def _judge(world: World, name: str, grant: Grant | None, look: _Look) -> Keep | None:
    """Delete a role that nobody needs and return None, or say why it stays."""
    terms = look.terms
    why = why_used(name, look.uses) or why_recent(grant, None, terms)
    if why is not None:
        return why
    role = await find_role(world, name)
    if role is None:
        return Keep(reason="somebody has deleted it")
    why = why_foreign(role, terms) or why_recent(grant, role, terms)
    if why is not None or not look.act:
        return why
    digest = role.tags[HASH_TAG]
    # A replica is its fences' one holder: within it, this lock is what keeps makers out.
    async with world.memory.locks[digest], world.fences.hold(fence_key(digest)) as fence:
        if fence is None:
            return Keep(reason="another replica is making or deleting it")
        return await _remove(world, name, digest, fence)


async def _remove(world: World, name: str, digest: str, fence: Fence) -> Keep | None:
    try:
        before = await forget(world, digest)
    except Conflict:
        return Keep(reason="somebody has just asked for it")
    # Whoever asks for it from now on finds no record and waits for the fence. Who has found it
    # before has an array's record already, and is seen by this look.
    why = why_used(name, await _uses(world))
    if why is not None:
        if before is not None:
            await record(world, before)
        return why
    return await _take_apart(world, name, fence)


async def _take_apart(world: World, name: str, fence: Fence) -> Keep | None:
    role = await find_role(world, name)
    if role is None:
        return None
    for step in steps_away(role, await find_profile(world, name)):
        if fence.is_lost:
            return Keep(reason="another replica may be making it")
        try:
            await take_step(world, step)
        except NotFound:
            continue
        except (Conflict, Rejected) as held:
            # The next role may go: one that we may not touch must not keep all others.
            return Keep(reason=held.message)
    metrics.COLLECTED.inc()
    return None


async def _forget_stray(
    world: World, known: Mapping[str, Grant], roles: Collection[str], look: _Look
) -> None:
    """Remove records of roles that are gone, and of others' roles that nobody uses any more."""
    uses, terms = look.uses, look.terms
    for digest, grant in known.items():
        is_stray = not grant.ours or grant.role not in roles
        if is_stray and not (why_used(grant.profile, uses) or why_recent(grant, None, terms)):
            with suppress(Conflict):  # it was written just now, and stays
                await forget(world, digest)


async def _uses(world: World) -> Uses:
    found = (await world.stores.arrays.load("*")).values()
    arrays = [each.value for each in found]
    regions = {array.region for array in arrays} | {*world.settings.regions, world.region}
    instances: list[Described] = []
    for region in sorted(regions - {""}):
        instances += await world.aws.ec2(region).describe_instances(
            tags={DEPLOYMENT_TAG: world.deployment}, states=_LIVING
        )
    return find_uses(arrays, instances)
