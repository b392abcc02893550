"""Statements in canonical form: the same permissions are the same text."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.permissions.patterns import covers
from spawn.permissions.statements import Condition, Statement, canonical

PREFIX = Condition("StringLike", "s3:prefix", ("a/*",))
OTHER_PREFIX = Condition("StringLike", "s3:prefix", ("b/*",))


def allow(actions: str, resources: str, *conditions: Condition) -> Statement:
    return Statement(
        actions=tuple(actions.split()), resources=tuple(resources.split()), conditions=conditions
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            [allow("b a", "y"), allow("c", "y")], [allow("a b c", "y")], id="same resource"
        ),
        pytest.param([allow("a", "y"), allow("a", "x")], [allow("a", "x y")], id="same action"),
        pytest.param([allow("a", "x"), allow("a", "x*")], [allow("a", "x*")], id="wider resource"),
        pytest.param(
            [allow("s3:*", "*"), allow("s3:GetObject", "x")],
            [allow("s3:*", "*")],
            id="wider in all",
        ),
        pytest.param(
            [allow("s3:*", "x"), allow("s3:GetObject", "*")],
            [allow("s3:*", "x"), allow("s3:GetObject", "*")],
            id="wider in one way only",
        ),
        pytest.param([allow("s3:get* s3:GetObject", "x")], [allow("s3:get*", "x")], id="any case"),
        pytest.param(
            [allow("a", "x", PREFIX), allow("a", "x")],
            [allow("a", "x")],
            id="without the condition is wider",
        ),
        pytest.param(
            [allow("a", "x", PREFIX), allow("a", "x", OTHER_PREFIX)],
            [allow("a", "x", Condition("StringLike", "s3:prefix", ("a/*", "b/*")))],
            id="either value",
        ),
        pytest.param(
            [
                allow("a", "x", Condition("StringNotLike", "k", ("1",))),
                allow("a", "x", Condition("StringNotLike", "k", ("2",))),
            ],
            [
                allow("a", "x", Condition("StringNotLike", "k", ("1",))),
                allow("a", "x", Condition("StringNotLike", "k", ("2",))),
            ],
            id="neither value is another thing",
        ),
        pytest.param(
            [Statement(effect="Deny", actions=("a",), resources=("x",)), allow("a", "x")],
            [allow("a", "x"), Statement(effect="Deny", actions=("a",), resources=("x",))],
            id="allowed and denied stay apart",
        ),
        pytest.param(
            [
                Statement(actions=("b", "a"), resources=("x",), other_actions=True),
                Statement(actions=("a", "b"), resources=("x",), other_actions=True),
            ],
            [Statement(actions=("a", "b"), resources=("x",), other_actions=True)],
            id="all but: sorted, not merged",
        ),
    ],
)
def test_canonical(given: list[Statement], expected: list[Statement]) -> None:
    assert list(canonical(given)) == expected
    assert list(canonical([*reversed(given), *given])) == expected


TEXTS = st.sampled_from(["s3:Get", "s3:Put", "s3:G*", "s3:*", "sqs:Get", "*"])
ARNS = st.sampled_from(["a", "b", "a/x", "a/*", "a*", "*", "?", "b/?"])
STATEMENTS = st.builds(
    Statement,
    effect=st.sampled_from(["Allow", "Deny"]),
    actions=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    resources=st.lists(ARNS, min_size=1, max_size=3).map(tuple),
    conditions=st.sampled_from([(), (PREFIX,), (OTHER_PREFIX,)]),
)


def says(statements: list[Statement], effect: str, action: str, resource: str) -> set[Condition]:
    """Return under which conditions statements say something; an empty text for none."""
    return {
        Condition(each.operator, each.key, (value,)) if each else Condition("", "", ())
        for statement in statements
        if statement.effect == effect
        and any(covers(wide, action) for wide in statement.actions)
        and any(covers(wide, resource) for wide in statement.resources)
        for each in (statement.conditions or (None,))
        for value in (each.values if each else ("",))
    }


@given(st.lists(STATEMENTS, max_size=6))
def test_the_canonical_form_says_what_was_said(statements: list[Statement]) -> None:
    found = list(canonical(statements))
    for effect, action, resource in product(
        ("Allow", "Deny"), ("s3:Get", "s3:Put", "sqs:Get", "sqs:X"), ("a", "b", "c", "a/x", "b/y")
    ):
        before = says(statements, effect, action, resource)
        after = says(found, effect, action, resource)
        unconditional = Condition("", "", ())
        assert after <= before
        assert (unconditional in before) == (unconditional in after)
        assert after == before or unconditional in after


@given(st.lists(STATEMENTS, max_size=6), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(statements: list[Statement], random: Random) -> None:
    shuffled = [*statements, *statements[:2]]
    random.shuffle(shuffled)
    assert canonical(shuffled) == canonical(statements)
    assert canonical(canonical(statements)) == canonical(statements)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        pytest.param("*", "anything", True, id="star"),
        pytest.param("a*", "ab*", True, id="longer prefix"),
        pytest.param("a?", "ab", True, id="one character"),
        pytest.param("a?", "a*", False, id="one character is not many"),
        pytest.param("a", "b", False, id="another text"),
        pytest.param("a.c", "abc", False, id="a dot is a dot"),
        pytest.param("a*b*c", "a-b-b-c", True, id="several stars"),
        pytest.param("a*b*c", "a-c-b", False, id="several stars in order"),
        pytest.param("a/${*}", "a/${x}", False, id="an escaped star is a star"),
        pytest.param("a/??????", "a/${*}ab", False, id="a variable is not so many characters"),
        pytest.param("a/*", "a/${aws:userid}/x", True, id="a star takes any variable"),
        pytest.param("arn:*:s3:::a/*", "arn:aws:s3:::a/b*", True, id="parts of an ARN"),
        pytest.param(
            "arn:*:s3:::a/*", "arn:aws:s3:::other/:s3:::a/*", False, id="a key like an ARN's end"
        ),
        pytest.param("*" + "a*" * 1000 + "b", "a" * 10_000, False, id="a thousand stars"),
    ],
)
def test_covers(wide: str, narrow: str, expected: bool) -> None:
    assert covers(wide, narrow) is expected
