"""Questions about permissions: what they come to, and what is to be said of them."""

import asyncio

from services.iam_broker.handlers.boundary import boundary_of
from services.iam_broker.handlers.wanted import content_of, existing_of, realm_of
from services.iam_broker.plan.content import read_content
from services.iam_broker.plan.existing import check_alone
from services.iam_broker.plan.grants import plan_grant
from services.iam_broker.ports import World
from spawn.bus.ports import Request
from spawn.contracts.grants import (
    Caution,
    GrantDescription,
    GrantRequest,
    LintReport,
    LintRequest,
)
from spawn.permissions.auditing import audit
from spawn.permissions.limits import INLINE_LIMIT


async def on_describe(request: Request[GrantRequest], world: World) -> GrantDescription:
    """Say what would be granted, and make nothing; raise `Rejected` as `ensure` would."""
    asked = request.body
    check_alone(asked)
    if asked.role:
        grant = await existing_of(world, asked.role, again=asked.again)
        return GrantDescription(
            hash=grant.hash,
            role=grant.role,
            profile=grant.profile,
            document="",
            size=0,
            limit=INLINE_LIMIT,
            statements=grant.statements,
        )
    realm = await realm_of(world, asked.region)
    content = await content_of(world, asked, realm)
    boundary = boundary_of(world, realm)
    grant = plan_grant(content, boundary=boundary, deployment=world.deployment).grant
    return GrantDescription(
        hash=grant.hash,
        role=grant.role,
        profile=grant.profile,
        document=content.document,
        size=content.size,
        limit=INLINE_LIMIT,
        managed=content.managed,
        boundary=boundary,
        statements=content.statements,
        warnings=content.warnings,
    )


async def on_lint(request: Request[LintRequest], world: World) -> LintReport:
    """Return what is to be said of permissions; raise `Rejected` when they can't be read."""
    asked = request.body.permissions
    content = read_content(asked, await realm_of(world, request.body.region))
    found: list[Caution] = [*content.warnings]
    for number, document in enumerate(asked.documents, 1):
        found += await asyncio.to_thread(audit, document, f"policy file {number}")
    return LintReport(findings=tuple(dict.fromkeys(found)))
