"""Conditions, by the tables of IAM's documentation.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-single-valued-context-keys.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html
"""

from typing import Any

import pytest

from sandbox.errors import AwsError
from tests.sandbox.iam.policies import allow, asked, decided, policy

ROLE = "arn:aws:iam::123456789012:role/spawn/one"
JUNE = "2026-06-30T00:00:00Z"
CASES: list[tuple[str, str, Any, Any, bool]] = [
    ("the same text", "StringEquals", "x", "x", True),
    ("another case", "StringEquals", "x", "X", False),
    ("no wildcards", "StringEquals", "x*", "xy", False),
    ("one of several", "StringEquals", ["x", "y"], "y", True),
    ("a missing key", "StringEquals", "x", None, False),
    ("another text", "StringNotEquals", "x", "y", True),
    ("none of several", "StringNotEquals", ["x", "y"], "y", False),
    ("missing, so it is another", "StringNotEquals", "x", None, True),
    ("any case", "StringEqualsIgnoreCase", "Ann", "ANN", True),
    ("another, in any case", "StringNotEqualsIgnoreCase", "Ann", "ANN", False),
    ("a pattern", "StringLike", "t3.*", "t3.micro", True),
    ("not of the pattern", "StringLike", "t3.*", "m5.large", False),
    ("one letter", "StringLike", "home/?", "home/ab", False),
    ("against a pattern", "StringNotLike", "t3.*", "t3.micro", False),
    ("missing, against a pattern", "StringNotLike", "t3.*", None, True),
    ("equal numbers", "NumericEquals", 10, "10", True),
    ("10 is not less than 9", "NumericLessThan", "9", "10", False),
    ("at most", "NumericLessThanEquals", "10", "10", True),
    ("more", "NumericGreaterThan", "2", "10", True),
    ("at least", "NumericGreaterThanEquals", "11", "10", False),
    ("another number", "NumericNotEquals", "10", "10.0", False),
    ("what is no number", "NumericEquals", "10", "ten", False),
    ("before", "DateLessThan", JUNE, "2026-06-29T23:59:59Z", True),
    ("not before", "DateLessThan", JUNE, JUNE, False),
    ("at the latest", "DateLessThanEquals", JUNE, JUNE, True),
    ("after a day", "DateGreaterThan", "2026-06-30", "2026-07-01T00:00:00Z", True),
    ("seconds since 1970", "DateEquals", "1782777600", JUNE, True),
    ("another date", "DateNotEquals", JUNE, JUNE, False),
    ("what is no date", "DateEquals", JUNE, "June", False),
    ("true", "Bool", "true", "true", True),
    ("a boolean that is JSON's", "Bool", False, "true", False),
    ("not said, so not true", "Bool", "true", None, False),
    ("not said, so not false", "Bool", "false", None, False),
    ("not said, and that is right", "BoolIfExists", "true", None, True),
    ("said, and wrong", "BoolIfExists", "true", "false", False),
    ("a network", "IpAddress", "203.0.113.0/24", "203.0.113.7", True),
    ("outside of it", "IpAddress", "203.0.113.0/24", "203.0.114.7", False),
    ("outside, as wanted", "NotIpAddress", "203.0.113.0/24", "203.0.114.7", True),
    ("the longer address", "IpAddress", "2001:DB8:1:2::/64", "2001:db8:1:2::1", True),
    ("what is no address", "IpAddress", "203.0.113.0/24", "here", False),
    ("an ARN", "ArnEquals", ROLE, ROLE, True),
    ("ArnEquals has patterns", "ArnEquals", "arn:aws:iam::*:role/spawn/*", ROLE, True),
    ("no star over an ARN's parts", "ArnLike", "arn:aws:*:role/spawn/one", ROLE, False),
    ("another ARN", "ArnNotLike", "arn:aws:iam::*:role/spawn/*", ROLE, False),
    ("no ARN at all", "ArnLike", "arn:aws:iam::*:role/*", "spawn/one", False),
    ("must be missing, and is", "Null", "true", None, True),
    ("must be missing, and is not", "Null", "true", "x", False),
    ("must be there, and is", "Null", "false", "x", True),
    ("must be there, and is not", "Null", False, None, False),
    ("if it exists: it doesn't", "StringEqualsIfExists", "x", None, True),
    ("if it exists: it is another", "StringEqualsIfExists", "x", "y", False),
    ("any of the values", "ForAnyValue_StringEquals", ["a", "b"], ("b", "c"), True),
    ("none of the values", "ForAnyValue_StringEquals", ["a", "b"], ("c", "d"), False),
    ("any, of none", "ForAnyValue_StringEquals", "a", None, False),
    ("all of the values", "ForAllValues_StringEquals", ["a", "b"], ("a", "b"), True),
    ("all but one", "ForAllValues_StringEquals", ["a", "b"], ("a", "c"), False),
    ("all, of none", "ForAllValues_StringEquals", "a", None, True),
    ("all by pattern", "ForAllValues_StringLike", "*.s.org", ("a.s.org", "b.s.org"), True),
    ("one by no pattern", "ForAllValues_StringLike", "*.s.org", ("a.s.org", "s.org"), False),
    ("none may be", "ForAllValues_StringNotEquals", "a", ("a", "b"), False),
    ("any may be another", "ForAnyValue_StringNotEquals", "a", ("a", "b"), True),
    ("any another, of none", "ForAnyValue_StringNotEquals", "a", None, False),
]


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "yes"),
    [pytest.param(*values, id=name) for name, *values in CASES],
)
def test_a_condition(operator: str, wanted: Any, given: Any, yes: bool) -> None:
    held = policy(allow("a:B", **{operator: {"aws:key": wanted}}))
    context = {} if given is None else {"aws__key": given}
    assert decided(asked("a:B", **context), held).is_allowed is yes


def test_all_keys_of_a_block_must_fit() -> None:
    both = policy(allow("a:B", StringEquals={"a:b": "x", "a:c": "y"}))
    assert decided(asked("a:B", a__b="x", a__c="y"), both).is_allowed
    assert not decided(asked("a:B", a__b="x"), both).is_allowed


def test_a_key_is_named_in_any_case() -> None:
    team = policy(allow("a:B", StringEquals={"AWS:ResourceTag/Team": "x"}))
    assert decided(asked("a:B", aws__resourcetag___team="x"), team).is_allowed


def test_a_value_may_be_a_variable() -> None:
    own = policy(allow("a:B", StringLike={"s3:prefix": "home/${aws:username}/*"}))
    assert decided(asked("a:B", s3__prefix="home/ann/x", aws__username="ann"), own).is_allowed
    assert not decided(asked("a:B", s3__prefix="home/bob/x", aws__username="ann"), own).is_allowed


def test_an_operator_that_iam_does_not_have_is_refused() -> None:
    with pytest.raises(AwsError, match="StringAlike"):
        decided(asked("a:B", a__b="x"), policy(allow("a:B", StringAlike={"a:b": "x"})))
