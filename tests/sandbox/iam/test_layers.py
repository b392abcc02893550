"""Decisions by several layers: the identity's policies, its boundary, its session's.

By the cases of
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session.
"""

from typing import Any

import pytest

from sandbox.iam.evaluator import Question
from tests.sandbox.iam.policies import allow, asked, decided, deny, policy

READ, SEND = asked("s3:GetObject"), asked("sqs:SendMessage")
LAYERS: list[tuple[str, Any, Any, Any, Question, str, str]] = [
    ("both allow: yes", [allow("s3:*")], [allow("s3:*")], None, READ, "allow", ""),
    (
        "a boundary gives nothing by itself",
        [],
        [allow("s3:*")],
        None,
        READ,
        "implicit deny",
        "identity-based policy",
    ),
    (
        "what it leaves out is not allowed",
        [allow()],
        [allow("s3:*")],
        None,
        SEND,
        "implicit deny",
        "permissions boundary",
    ),
    (
        "what it denies is denied",
        [allow()],
        [allow(), deny("sqs:*")],
        None,
        SEND,
        "explicit deny",
        "permissions boundary",
    ),
    (
        "a boundary that is empty",
        [allow()],
        [],
        None,
        READ,
        "implicit deny",
        "permissions boundary",
    ),
    ("a session within its role", [allow()], None, [allow("s3:*")], READ, "allow", ""),
    (
        "a session that leaves it out",
        [allow()],
        None,
        [allow("s3:*")],
        SEND,
        "implicit deny",
        "session policy",
    ),
    (
        "a session gives nothing by itself",
        [allow("s3:*")],
        None,
        [allow()],
        SEND,
        "implicit deny",
        "identity-based policy",
    ),
    (
        "a session that denies",
        [allow()],
        None,
        [allow(), deny("s3:*")],
        READ,
        "explicit deny",
        "session policy",
    ),
    ("all three allow", [allow()], [allow()], [allow()], READ, "allow", ""),
    (
        "two of three",
        [allow()],
        [allow("sqs:*")],
        [allow()],
        READ,
        "implicit deny",
        "permissions boundary",
    ),
    (
        "a deny is named before what is missing",
        [deny("s3:*")],
        [],
        [],
        READ,
        "explicit deny",
        "identity-based policy",
    ),
]


@pytest.mark.parametrize(
    ("identity", "boundary", "session", "question", "verdict", "layer"),
    [pytest.param(*values, id=name) for name, *values in LAYERS],
)
def test_layers(  # noqa: PLR0913  a column each
    identity: Any, boundary: Any, session: Any, question: Question, verdict: str, layer: str
) -> None:
    limits = {"boundary": boundary, "session": session}
    layers: dict[str, Any] = {k: None if v is None else (policy(*v),) for k, v in limits.items()}
    found = decided(question, policy(*identity), **layers)
    assert found.verdict == verdict
    if layer:
        assert found.layer == layer
