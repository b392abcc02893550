"""Policies that people bring: what IAM would not take is named, with where it stands."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.errors import Rejected
from spawn.permissions.documents import document
from spawn.permissions.grammar import read_document
from spawn.permissions.limits import INLINE_LIMIT
from spawn.permissions.statements import Condition, Statement

GOOD: dict[str, Any] = {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::b/*",
}


def written(*statements: Any, **policy: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **policy})


def changed(**elements: Any) -> str:
    """Return a policy whose one statement has these elements; None takes one away."""
    statement = {**GOOD, **elements}
    return written({name: value for name, value in statement.items() if value is not None})


def test_a_document_is_read() -> None:
    text = written(
        {**GOOD, "Sid": "Read", "Action": ["S3:GetObject", "s3:List*"]},
        {"Effect": "Deny", "NotAction": "*", "NotResource": "*", "Condition": {}},
        Id="mine",
    )
    assert read_document(text) == (
        Statement(actions=("s3:GetObject", "s3:List*"), resources=("arn:aws:s3:::b/*",)),
        Statement(
            effect="Deny",
            actions=("*",),
            resources=("*",),
            other_actions=True,
            other_resources=True,
        ),
    )


def test_one_statement_needs_no_list() -> None:
    assert len(read_document(written(Statement=GOOD))) == 1


@pytest.mark.parametrize(
    ("condition", "read"),
    [
        pytest.param(
            {"StringEquals": {"aws:RequestTag/team": "x"}},
            (Condition("StringEquals", "aws:RequestTag/team", ("x",)),),
            id="one value",
        ),
        pytest.param(
            {"Bool": {"aws:SecureTransport": True}},
            (Condition("Bool", "aws:SecureTransport", ("true",)),),
            id="a truth",
        ),
        pytest.param(
            {"NumericLessThan": {"s3:max-keys": 10}},
            (Condition("NumericLessThan", "s3:max-keys", ("10",)),),
            id="a number",
        ),
        pytest.param(
            {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["b", "a", "b"]}},
            (Condition("ForAnyValue:StringLikeIfExists", "aws:TagKeys", ("a", "b")),),
            id="a set",
        ),
        pytest.param(
            {"Null": {"aws:TokenIssueTime": "false"}, "StringLike": {"s3:prefix": "a/*"}},
            (
                Condition("Null", "aws:TokenIssueTime", ("false",)),
                Condition("StringLike", "s3:prefix", ("a/*",)),
            ),
            id="two of them",
        ),
    ],
)
def test_conditions_are_read(condition: Any, read: tuple[Condition, ...]) -> None:
    assert read_document(changed(Condition=condition))[0].conditions == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "line 1, column 1", id="nothing"),
        pytest.param("{,}", "it is not JSON", id="no JSON"),
        pytest.param("[" * 9_000, "not JSON that can be read", id="endlessly deep"),
        pytest.param("[]", "write a JSON object", id="a list"),
        pytest.param('{"Version":"2012-10-17"}', "at least one statement", id="no statement"),
        pytest.param(written(), "at least one statement", id="no statement in the list"),
        pytest.param(written("x"), "Statement[0]='x'", id="a text for a statement"),
        pytest.param(written(GOOD, Version="2008-10-17"), '"Version": "2012-10-17"', id="old"),
        pytest.param('{"Statement":{}}', '"Version": "2012-10-17"', id="no version"),
        pytest.param(written(GOOD, Extra=1), "Extra: a policy has", id="unknown element"),
        pytest.param(written(GOOD, Id=1), "Id='1'", id="an id that is no text"),
        pytest.param(changed(Effect="allow"), "Effect='allow': write Allow or", id="effect"),
        pytest.param(changed(Effect=None), "Statement[0].Effect: write Allow", id="no effect"),
        pytest.param(changed(Effect=[]), "Effect='[]'", id="effect is a list"),
        pytest.param(changed(Action=None), "Action or NotAction", id="no action"),
        pytest.param(changed(NotAction="s3:*"), "Action or NotAction", id="both actions"),
        pytest.param(changed(Action=[]), "at least one value", id="an empty list"),
        pytest.param(changed(Action=[1]), "write a text", id="a number"),
        pytest.param(changed(Action="GetObject"), "like s3:GetObject", id="no service"),
        pytest.param(changed(Action="*:GetObject"), "like s3:GetObject", id="any service"),
        pytest.param(changed(Resource=None), "Resource or NotResource", id="no resource"),
        pytest.param(changed(Resource="my-bucket"), "six parts", id="a name"),
        pytest.param(changed(Resource="arn:aws:s3:b"), "six parts", id="four parts"),
        pytest.param(changed(Resource="arn:aws:*:::b"), "six parts", id="any service's ARN"),
        pytest.param(changed(Resource="arn:aws:s3:::\u4e2d"), "Latin-1", id="characters"),
        pytest.param(changed(Principal="*"), "Principal: leave it out", id="principal"),
        pytest.param(changed(Extra="*"), "Statement[0].Extra: a statement has", id="extra"),
        pytest.param(changed(Sid="a b"), "letters and digits", id="sid"),
        pytest.param(changed(Sid=1), "Statement[0].Sid='1'", id="sid is a number"),
        pytest.param(
            written({**GOOD, "Sid": "a"}, {**GOOD, "Sid": "a"}), "each Sid once", id="sid twice"
        ),
        pytest.param(changed(Condition=[]), "Condition='[]'", id="condition is a list"),
        pytest.param(
            changed(Condition={"StringEqual": {}}), "did you mean StringEquals?", id="operator"
        ),
        pytest.param(
            changed(Condition={"x": {}}), "use one such as StringEquals", id="no operator at all"
        ),
        pytest.param(changed(Condition={"Bool": {}}), "write a key", id="no key"),
        pytest.param(
            changed(Condition={"Bool": {"x": "true"}}), "with its service", id="a key alone"
        ),
        pytest.param(
            changed(Condition={"Bool": {"aws:x": {}}}), "write a text", id="a value that is none"
        ),
        pytest.param(
            '{"Version":"2012-10-17","Version":"2012-10-17"}', "element once", id="written twice"
        ),
        pytest.param(
            changed(Resource="arn:aws:s3:::" + "b" * INLINE_LIMIT), "IAM takes", id="large"
        ),
        pytest.param(" " * 9 * INLINE_LIMIT, "IAM takes", id="endless white space"),
    ],
)
def test_what_iam_would_not_take_is_rejected(text: str, said: str) -> None:
    with pytest.raises(Rejected) as rejected:
        read_document(text)
    assert said in rejected.value.message
    assert len(rejected.value.message) < 500


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["Bool", "aws:x", "StringLike"]), inner, max_size=2)
    ),
    max_leaves=4,
)
ELEMENTS = st.sampled_from([*GOOD, "Sid", "NotAction", "NotResource", "Condition", "Principal"])


@given(st.text() | st.dictionaries(ELEMENTS, VALUES).map(written))
def test_no_text_crashes_the_reader(text: str) -> None:
    assert read_or_rejected(text) in ("", "documents", "policies")


@given(st.dictionaries(ELEMENTS, VALUES, max_size=2))
def test_nearly_right_does_not_crash_it_either(elements: dict[str, Any]) -> None:
    assert read_or_rejected(written({**GOOD, **elements})) in ("", "documents", "policies")


def read_or_rejected(text: str) -> str:
    """Read a document and what it is written as; return the field that was rejected."""
    try:
        found = read_document(text)
    except Rejected as rejected:
        return rejected.field
    assert read_document(document(found)) == found
    return ""
