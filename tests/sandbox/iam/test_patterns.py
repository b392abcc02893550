"""Wildcards: what they match, and in what time."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.iam.patterns import matches, matches_any_case


def is_match(pattern: str, value: str) -> bool:
    """Match letter by letter: a star takes nothing, or one more."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return is_match(pattern[1:], value) or bool(value and is_match(pattern, value[1:]))
    return bool(value) and pattern[0] in ("?", value[0]) and is_match(pattern[1:], value[1:])


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_it_matches_what_stars_and_question_marks_stand_for(pattern: str, value: str) -> None:
    assert matches(pattern, value) is is_match(pattern, value)
    assert matches_any_case(pattern.upper(), value) is is_match(pattern, value)


def test_a_thousand_stars_take_no_longer_than_their_texts() -> None:
    assert not matches("*" + "a*" * 1000 + "b", "a" * 10_000)
