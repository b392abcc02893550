"""Letting machines in: from a proof to the permissions of one machine."""

import asyncio
from datetime import timedelta

from services.iam_broker import metrics
from services.iam_broker.apply import record
from services.iam_broker.handlers.look import find_role
from services.iam_broker.handlers.wanted import existing_grant
from services.iam_broker.model import Claim, Expected, Session
from services.iam_broker.plan.grants import grant_of, is_ours
from services.iam_broker.plan.proofs import FRESH, read_proof, read_session
from services.iam_broker.plan.standing import check_succession, identity_by_tags, identity_of
from services.iam_broker.ports import World
from spawn.bus.callout import Knock
from spawn.bus.issuing import Permissions
from spawn.contracts.identities import ACCOUNT, Identity, may_publish, may_subscribe
from spawn.contracts.instances import Described
from spawn.errors import Cause, NotFound, Outcome, Rejected, Transient

LIFE = timedelta(hours=1)
"""How long a machine's user of the bus lives; it proves itself again in time."""

GATHER = timedelta(milliseconds=200)
"""How long instances that no record names wait for each other, to be looked up by one call."""

_NONCES_KEPT = 2 * FRESH + timedelta(minutes=1)
"""A proof may be dated `FRESH` ahead, and is good until `FRESH` after its date."""


async def answer_server(world: World) -> None:
    """Answer the server about whoever wants in; runs until it is cancelled."""
    if world.answering is None:
        await asyncio.Event().wait()
        return

    async def judge(knock: Knock) -> Permissions:
        return await admit(world, knock)

    async with world.answering(judge):
        await asyncio.Event().wait()


async def admit(world: World, knock: Knock) -> Permissions:
    """Return what a machine may do; raise the outcome for which it may do nothing."""
    began = world.clock.monotonic()
    expected = Expected(
        deployment=world.deployment,
        endpoint=world.aws.sts().endpoint,
        now=world.clock.now(),
    )
    claim = read_proof(knock.token, expected)
    session = await _verify(world, claim)
    if session.ours:
        await _check_role(world, session.role)
    if not await world.once.claim(claim.nonce, lasting=_NONCES_KEPT):
        raise Rejected("the proof has been used before", code="Replay", cause=Cause.PERMISSION)
    identity = await _identify(world, session, claim.region)
    if not session.ours:
        await _check_given(world, session, identity, claim.region)
    metrics.VERIFICATION_DURATION.observe(world.clock.monotonic() - began)
    return Permissions(
        name=identity.instance_id,
        account=ACCOUNT,
        publish=may_publish(identity),
        subscribe=may_subscribe(identity),
        expires=world.clock.now() + LIFE,
    )


async def look_up_unknown(world: World) -> None:
    """Look up in EC2 who no record names, in one call for all; runs until it is cancelled."""
    while True:
        await world.lookups.asked.wait()
        await world.clock.sleep(GATHER)
        for region, ids in world.lookups.take().items():
            metrics.LOOKUPS.inc(len(ids))
            try:
                found = await world.aws.ec2(region).describe_instances(ids=ids)
            except Outcome as error:
                world.lookups.settle(region, error)
            else:
                world.lookups.settle(region, {each.instance.id: each for each in found})


async def _verify(world: World, claim: Claim) -> Session:
    answer = "failed"
    try:
        caller = await world.aws.sts().whoami(claim.call)
        session = read_session(
            caller.account,
            caller.arn,
            ours=await world.aws.account(),
            allowed=world.settings.iam_allowed_roles,
        )
        answer = "accepted"
    except Rejected:
        answer = "refused"
        raise
    finally:
        metrics.VERIFICATIONS.labels(answer).inc()
    return session


async def _check_role(world: World, name: str) -> None:
    """Raise `Rejected` unless a broker of this deployment has made the role."""
    await world.memory.grants.caught_up.wait()
    known = world.memory.grants.items().values()
    if any(entry.value.ours and entry.value.role == name for entry in known):
        return
    role = await find_role(world, name)
    if role is None or not is_ours(role, deployment=world.deployment):
        raise Rejected(f"role {name} is not ours", code="NoGrant", cause=Cause.PERMISSION)
    # The bus has lost what we had recorded, or never knew it.
    await record(world, grant_of(role))


async def _check_given(world: World, session: Session, identity: Identity, region: str) -> None:
    """Raise `Rejected` unless the machine was launched with this role, which is not ours."""
    grant = await existing_grant(world, session.role)
    if await _profile_of(world, identity, region) != grant.profile:
        raise Rejected(
            f"{identity.instance_id} was not given role {session.role}",
            code="NoGrant",
            cause=Cause.PERMISSION,
        )


async def _profile_of(world: World, identity: Identity, region: str) -> str:
    """Return the instance profile that a machine was launched with."""
    try:
        array = (await world.stores.arrays.get(identity.array_id)).value
    except NotFound:
        array = None
    if array is not None and array.placement is not None:
        return array.placement.instance_profile
    # Its array's record is yet to be made again from its tags.
    described = await world.lookups.find(region, identity.instance_id)
    return described.profile if described is not None else ""


async def _identify(world: World, session: Session, region: str) -> Identity:
    await world.roster.known()
    member = world.roster.find(session.instance_id)
    if member is not None:
        return identity_of(member, session.instance_id)
    described = await world.lookups.find(region, session.instance_id)
    if described is None:
        # EC2 may not show an instance yet that it has just launched.
        raise Transient(f"EC2 does not know {session.instance_id}", code="Later")
    return _by_tags(world, described)


def _by_tags(world: World, described: Described) -> Identity:
    member = world.roster.find(described.instance.id)
    if member is not None:
        return identity_of(member, described.instance.id)
    identity = identity_by_tags(described, deployment=world.deployment)
    check_succession(described, world.roster.holder(identity.array_id, identity.rank))
    return identity
