"""Decisions, by one policy: wildcards, Not elements, variables.

By the cases of
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html and its
neighbours on Action, NotAction, NotResource and variables.
"""

from typing import Any

import pytest

from sandbox.errors import AwsError
from sandbox.iam.evaluator import Question
from sandbox.iam.policy import parse_policy
from tests.sandbox.iam.policies import allow, asked, decided, deny, policy

BOB = "arn:aws:iam::123456789012:user/Bob"
DESKTOP = "arn:aws:s3:::company/home"
DEV = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"


def case(name: str, statements: list[dict[str, Any]], question: Question, *, yes: bool) -> Any:
    return pytest.param(statements, question, yes, id=name)


CASES = [
    case("nothing is allowed by itself", [], asked("s3:GetObject"), yes=False),
    case("an action by its name", [allow("sqs:SendMessage")], asked("sqs:SendMessage"), yes=True),
    case("no other action", [allow("sqs:SendMessage")], asked("sqs:ReceiveMessage"), yes=False),
    case("of no other service", [allow("sqs:*")], asked("sns:Publish"), yes=False),
    case(
        "actions in any case", [allow("IAM:listaccesskeys")], asked("iam:ListAccessKeys"), yes=True
    ),
    case("all of a service", [allow("s3:*")], asked("s3:GetObject"), yes=True),
    case("a wildcard inside", [allow("iam:*AccessKey*")], asked("iam:UpdateAccessKey"), yes=True),
    case("a wildcard at the end", [allow("ec2:Describe*")], asked("ec2:RunInstances"), yes=False),
    case("one letter", [allow("s3:?etObject")], asked("s3:GetObject"), yes=True),
    case("everything", [allow("*")], asked("cloudtrail:LookupEvents"), yes=True),
    case("several actions", [allow(["a:B", "c:D"])], asked("c:D"), yes=True),
    case("one resource", [allow("*", BOB)], asked("iam:GetUser", BOB), yes=True),
    case("no other resource", [allow("*", BOB)], asked("iam:GetUser", f"{BOB}by"), yes=False),
    case("resources in their case", [allow("*", BOB)], asked("a:B", BOB.lower()), yes=False),
    case(
        "a path",
        [allow("*", "arn:aws:iam::123456789012:user/accounting/*")],
        asked("iam:GetUser", "arn:aws:iam::123456789012:user/accounting/x/Ann"),
        yes=True,
    ),
    case(
        "a star goes over slashes",
        [allow("*", "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*")],
        asked("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/1/2/test/3/object.jpg"),
        yes=True,
    ),
    case(
        "not what the pattern lacks",
        [allow("*", "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*")],
        asked("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/1/test.jpg"),
        yes=False,
    ),
    case(
        "a question mark is one letter",
        [allow("*", "arn:aws:s3:::b/?")],
        asked("s3:GetObject", "arn:aws:s3:::b/ab"),
        yes=False,
    ),
    case(
        "a bucket is not its objects",
        [allow("s3:*", "arn:aws:s3:::b")],
        asked("s3:GetObject", "arn:aws:s3:::b/key"),
        yes=False,
    ),
    case(
        "objects are not their bucket",
        [allow("s3:*", "arn:aws:s3:::b/*")],
        asked("s3:ListBucket", "arn:aws:s3:::b"),
        yes=False,
    ),
    case(
        "a dot is a dot",
        [allow("*", "arn:aws:s3:::a.b")],
        asked("s3:ListBucket", "arn:aws:s3:::aXb"),
        yes=False,
    ),
    case(
        "what has no resource wants a star",
        [allow("ec2:DescribeInstances", DEV)],
        asked("ec2:DescribeInstances"),
        yes=False,
    ),
    case("a deny wins", [allow("*"), deny("s3:*")], asked("s3:GetObject"), yes=False),
    case("before or after", [deny("s3:*"), allow("*")], asked("s3:GetObject"), yes=False),
    case("a deny of something else", [allow(), deny("s3:*")], asked("sqs:X"), yes=True),
    case(
        "a deny of another resource",
        [allow(), deny("s3:*", "arn:aws:s3:::secret/*")],
        asked("s3:GetObject", "arn:aws:s3:::open/key"),
        yes=True,
    ),
    case(
        "all but one action",
        [{"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"}],
        asked("s3:GetObject"),
        yes=True,
    ),
    case(
        "but not that one",
        [{"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"}],
        asked("s3:DeleteBucket"),
        yes=False,
    ),
    case(
        "a NotAction that denies leaves what it names",
        [allow(), {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}],
        asked("iam:GetUser"),
        yes=True,
    ),
    case(
        "and denies the rest",
        [allow(), {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}],
        asked("s3:GetObject"),
        yes=False,
    ),
    case(
        "all but some resources",
        [allow(), {"Effect": "Deny", "Action": "s3:*", "NotResource": [DESKTOP, f"{DESKTOP}/*"]}],
        asked("s3:GetObject", f"{DESKTOP}/file"),
        yes=True,
    ),
    case(
        "and denies the other resources",
        [allow(), {"Effect": "Deny", "Action": "s3:*", "NotResource": [DESKTOP, f"{DESKTOP}/*"]}],
        asked("s3:GetObject", "arn:aws:s3:::other/file"),
        yes=False,
    ),
    case(
        "a home folder by name",
        [allow("s3:*", "arn:aws:s3:::b/${aws:username}/*")],
        asked("s3:GetObject", "arn:aws:s3:::b/ann/x", aws__username="ann"),
        yes=True,
    ),
    case(
        "not somebody else's",
        [allow("s3:*", "arn:aws:s3:::b/${aws:username}/*")],
        asked("s3:GetObject", "arn:aws:s3:::b/bob/x", aws__username="ann"),
        yes=False,
    ),
    case(
        "nobody's when there is no name",
        [allow("s3:*", "arn:aws:s3:::b/${aws:username}/*")],
        asked("s3:GetObject", "arn:aws:s3:::b//x"),
        yes=False,
    ),
    case(
        "a value in place of a missing one",
        [allow("s3:*", "arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/*")],
        asked("s3:GetObject", "arn:aws:s3:::b/company-wide/x"),
        yes=True,
    ),
    case(
        "a name with a star in it matches itself alone",
        [allow("s3:*", "arn:aws:s3:::b/${aws:username}/x")],
        asked("s3:GetObject", "arn:aws:s3:::b/bob/x", aws__username="*"),
        yes=False,
    ),
    case(
        "a star that is one",
        [allow("s3:*", "arn:aws:s3:::b/${*}")],
        asked("s3:GetObject", "arn:aws:s3:::b/key"),
        yes=False,
    ),
    case(
        "which is found",
        [allow("s3:*", "arn:aws:s3:::b/${*}")],
        asked("s3:GetObject", "arn:aws:s3:::b/*"),
        yes=True,
    ),
]


@pytest.mark.parametrize(("statements", "question", "yes"), CASES)
def test_one_policy(statements: list[dict[str, Any]], question: Question, yes: bool) -> None:
    assert decided(question, policy(*statements)).is_allowed is yes


def test_policies_of_2008_know_no_variables() -> None:
    home = policy(allow("s3:*", "arn:aws:s3:::b/${aws:username}"), version="2008-10-17")
    question = asked("s3:GetObject", "arn:aws:s3:::b/ann", aws__username="ann")
    assert not decided(question, home).is_allowed


def test_another_spelling_of_an_arn_will_do() -> None:
    group = "arn:aws:logs:us-east-1:123456789012:log-group:mine"
    question = Question(action="logs:CreateLogStream", resource=group, also=(f"{group}:*",))
    assert decided(question, policy(allow("logs:*", f"{group}:*"))).is_allowed
    others = policy({"Effect": "Allow", "Action": "*", "NotResource": f"{group}:*"})
    assert not decided(question, others).is_allowed


def test_the_statement_that_decided_is_named() -> None:
    found = decided(
        asked("s3:GetObject"), policy(allow("sqs:*"), {**deny("s3:Get*"), "Sid": "NoReading"})
    )
    assert found.statement is not None
    assert found.statement.sid == "NoReading"


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        '{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": {}, "Resource": "*"}]}',
        '{"Statement": ["Allow"]}',
    ],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(AwsError, match="MalformedPolicyDocument"):
        parse_policy(text)
