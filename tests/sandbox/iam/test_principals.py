"""Who is behind an access key, and for how long."""

from datetime import timedelta
from typing import Any

import pytest
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.errors import AwsError
from sandbox.iam.principals import Principals
from sandbox.request import Call, parse
from spawn.clock import SystemClock
from tests.fakes.clock import VirtualClock

ACCOUNT = "111122223333"


@pytest.fixture
def given() -> Any:
    """A session of a role that does not exist, as STS has given it out."""
    sts: Any = sts_backends[ACCOUNT]["aws"]
    return sts.assume_role(
        region_name="us-east-1",
        role_session_name="me",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/gone",
        policy="",
        duration=900,
        external_id="",
    )


def call(session: Any) -> Call:
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={session.access_key_id}/20260102/us-east-1/sqs/aws4_request"
    )
    headers = (("Authorization", authorization), ("X-Amz-Security-Token", session.session_token))
    return parse(method="POST", target="/", headers=headers, body=b"", request_id="r")


def test_a_session_ends(given: Any) -> None:
    assert Principals(SystemClock()).of(call(given)) is not None
    later = VirtualClock(SystemClock().now() + timedelta(minutes=16))
    with pytest.raises(AwsError, match="ExpiredToken"):
        Principals(later).of(call(given))


def test_a_session_of_a_role_that_is_gone_may_nothing(given: Any) -> None:
    found = Principals(SystemClock()).of(call(given))
    assert found is not None
    assert found.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/gone/me"
    assert found.sources.identity == ()


def test_a_key_that_is_switched_off_is_nobodys(given: Any) -> None:
    iam: Any = iam_backends[ACCOUNT]["aws"]
    iam.create_user("us-east-1", "ann")
    key = iam.create_access_key("ann")
    own = call(given)
    signed = own.header("authorization").replace(given.access_key_id, key.access_key_id)
    asks = parse(
        method="POST", target="/", headers=(("Authorization", signed),), body=b"", request_id="r"
    )
    found = Principals(SystemClock()).of(asks)
    assert found is not None
    assert found.context["aws:username"] == ("ann",)
    iam.update_access_key("ann", key.access_key_id, "Inactive")
    assert Principals(SystemClock()).of(asks) is None
