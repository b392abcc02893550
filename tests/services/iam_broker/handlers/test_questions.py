"""What would be granted, and what may not be: an operator's limits hold for questions, too."""

import json
from typing import Any

import pytest

from services.iam_broker.config import Settings
from services.iam_broker.handlers.ensure import on_ensure
from services.iam_broker.handlers.questions import on_describe, on_lint
from spawn.bus.ports import Request
from spawn.contracts import grants
from spawn.contracts.arrays import ArrayState
from spawn.contracts.grants import (
    Grant,
    GrantDescription,
    GrantRequest,
    InstanceProfile,
    LintRequest,
    Permissions,
    Role,
)
from spawn.errors import Outcome, Rejected, first_outcome
from tests.services.iam_broker.fakes import BOUNDARY, Broker, wanted
from tests.services.iam_broker.handlers.test_collect import ARRAY, record_array

MANAGED = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
TRUST = wanted().role
DOCUMENT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)


async def describe(broker: Broker, **asked: Any) -> GrantDescription:
    request = Request(body=GrantRequest(**asked), subject=grants.API_DESCRIBE)
    return await broker.clock.finish(on_describe(request, broker.world))


async def ensure(broker: Broker, **asked: Any) -> Grant:
    request = Request(body=GrantRequest(**asked), subject=grants.API_ENSURE)
    return await broker.clock.finish(on_ensure(request, broker.world))


async def refusal(broker: Broker, **asked: Any) -> Rejected:
    """Return why permissions are granted neither in words nor in IAM."""
    found: list[Outcome] = []
    for question in (describe, ensure):
        try:
            await question(broker, **asked)
        except* Outcome as outcomes:
            found.append(first_outcome(outcomes))
    first, second = found
    assert isinstance(first, Rejected)
    assert str(first) == str(second)
    assert broker.aws.iam().changes == 0
    return first


def with_role(broker: Broker, *, profile: str = "lab") -> None:
    assert TRUST is not None
    iam = broker.aws.iam()
    iam.held["science"] = Role(name="science", path="/", trust=TRUST.trust, tags={})
    iam.profiles[profile] = InstanceProfile(name=profile, path="/", roles=("science",))


async def test_a_description_is_of_what_is_then_granted() -> None:
    broker = Broker()
    asked = {"policies": ("s3:ReadOnly:my-bucket",), "documents": (DOCUMENT,)}
    said = await describe(broker, **asked)
    assert broker.aws.iam().counted.total() == 0
    grant = await ensure(broker, **asked)
    assert (said.hash, said.role, said.profile) == (grant.hash, grant.role, grant.profile)
    assert broker.aws.iam().held[grant.role].inline == {"spawn": said.document}
    assert said.size == len(said.document) < said.limit
    assert said.boundary == BOUNDARY
    assert said.statements == grant.statements != ()
    assert [each.code for each in said.warnings] == ["RESOURCE_STAR"]


async def test_arns_are_completed_with_the_region_that_is_asked_for() -> None:
    broker = Broker()
    here = await describe(broker, policies=("dynamodb:ReadOnly:table/jobs",))
    there = await describe(broker, policies=("dynamodb:ReadOnly:table/jobs",), region="eu-west-1")
    assert "arn:aws:dynamodb:us-east-1:123456789012:table/jobs" in here.document
    assert "arn:aws:dynamodb:eu-west-1:123456789012:table/jobs" in there.document
    assert here.role != there.role


async def test_managed_policies_are_attached_when_iam_has_them() -> None:
    broker = Broker()
    refused = await refusal(broker, managed=("AmazonS3ReadOnlyAccess",))
    assert (refused.field, MANAGED in refused.message) == ("managed", True)
    broker.aws.iam().policies[MANAGED] = DOCUMENT
    grant = await ensure(broker, managed=("AmazonS3ReadOnlyAccess",))
    assert broker.aws.iam().held[grant.role].attached == (MANAGED,)
    assert (await describe(broker, managed=(MANAGED,))).hash == grant.hash


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"policies": ("s3:ReadWrite:b",)}, "above the ceiling"),
        ({"managed": ("AmazonS3ReadOnlyAccess",)}, "above the ceiling"),
        ({"documents": (DOCUMENT.replace("Get", "Put"),)}, "above the ceiling"),
        ({"policies": ("s3:ReadOly",)}, "did you mean ReadOnly?"),
        ({"policies": ("s3:ReadOnly",), "strict": True}, "strict: s3:ReadOnly"),
        ({"role": "science"}, "SPAWN_IAM_ALLOWED_ROLES"),
        ({"role": "lab", "policies": ("s3:ReadOnly",)}, "use it alone"),
        ({"role": "lab"}, "there is no such role"),
        ({"policies": ("s3:ReadOnly",), "region": "$(moon)"}, "one such as us-east-1"),
    ],
    ids=[
        "a level above the ceiling",
        "a managed policy below a ceiling",
        "a policy file above the ceiling",
        "an unknown level",
        "wide, and strict",
        "a role that is not allowed",
        "a role and more",
        "a role that does not exist",
        "a region that is none",
    ],
)
async def test_what_may_not_be_granted_is_said(asked: dict[str, Any], said: str) -> None:
    limits = Settings(iam_ceiling=("s3:ReadOnly",), iam_allowed_roles=("lab",))
    assert said in (await refusal(Broker(settings=limits), **asked)).message


async def test_within_the_ceiling_all_is_granted() -> None:
    broker = Broker(settings=Settings(iam_ceiling=("s3:ReadWrite", "logs:WriteOnly")))
    own = DOCUMENT.replace('"*"', '"arn:aws:s3:::b/*"')
    await ensure(broker, policies=("s3:ReadOnly:b", "logs:WriteOnly"), documents=(own,))


async def test_an_allowed_role_is_given_as_it_is() -> None:
    broker = Broker(settings=Settings(iam_allowed_roles=("science",)))
    with_role(broker)
    grant = await ensure(broker, role="science")
    said = await describe(broker, role="science")
    assert (grant.role, grant.profile, grant.ours) == ("science", "lab", False)
    assert (said.hash, said.document, said.warnings) == (grant.hash, "", ())
    assert broker.aws.iam().changes == 0
    assert (await broker.world.stores.grants.get(grant.hash)).value.profile == "lab"


async def test_a_boundary_of_the_operators_is_used_when_it_exists() -> None:
    arn = "arn:aws:iam::123456789012:policy/team-boundary"
    broker = Broker(settings=Settings(iam_boundary=arn))
    with pytest.raises(ExceptionGroup) as caught:
        await ensure(broker, policies=("s3:ReadOnly",))
    assert caught.group_contains(Rejected, match="SPAWN_IAM_BOUNDARY")
    broker.aws.iam().policies[arn] = "{}"
    grant = await ensure(broker, policies=("s3:ReadOnly",))
    assert broker.aws.iam().held[grant.role].boundary == arn
    assert grant.hash != wanted("s3:ReadOnly").grant.hash


async def test_lint_says_what_is_wide_and_makes_nothing() -> None:
    broker = Broker()
    asked = LintRequest(
        permissions=Permissions(policies=("s3:FullAccess",), documents=(DOCUMENT,))
    )
    found = await on_lint(Request(body=asked, subject=grants.API_LINT), broker.world)
    assert {each.where for each in found.findings} >= {
        "s3:FullAccess",
        "policy file 1, Statement[0]",
    }
    assert broker.aws.iam().counted.total() == 0


@pytest.mark.parametrize(
    ("state", "told"),
    [(ArrayState.ACCEPTED, 1), (ArrayState.TERMINATED, 0), (None, 0)],
    ids=["an array that lives", "one that is over", "one that nobody knows"],
)
async def test_an_array_is_told_once_that_its_grant_is_ready(
    state: ArrayState | None, told: int
) -> None:
    broker = Broker()
    if state is not None:
        record_array(broker, state, None)
    first, grant = [
        await ensure(broker, policies=("s3:ReadOnly",), array_id=ARRAY) for _ in range(2)
    ]
    assert first == grant
    events = [event for event in broker.bus.events if event.name == "grant.ready"]
    assert len({event.id for event in events}) == told
    assert all(event.array_id == ARRAY and grant.role in str(event.data) for event in events)


async def test_an_array_that_is_none_is_told_nothing() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await ensure(Broker(), array_id="*.>")
    assert caught.group_contains(Rejected, match="array_id")
