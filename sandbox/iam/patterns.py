"""Wildcards, policy variables and ARNs, as policies write them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Mapping
from functools import lru_cache

Context = Mapping[str, tuple[str, ...]]
"""Condition keys of a request, in lower case, with their values."""

_PART = re.compile(r"\$\{([^}]*)\}|\*|\?")
_LITERAL = frozenset("*?$")
_DEFAULT = re.compile(r"([^,]+?)\s*,\s*'(.*)'")
_ARN_PARTS = 6


def matches(pattern: str, value: str, context: Context | None = None) -> bool:
    """Match by `*` and `?`; variables take their values from `context`, if there is one.

    A variable that the request does not have matches nothing.
    """
    return _match(pattern, value, context, wild=True, flags=re.DOTALL)


def equals(pattern: str, value: str, context: Context | None = None) -> bool:
    """Compare letter by letter, variables replaced."""
    return _match(pattern, value, context, wild=False, flags=re.DOTALL)


def matches_any_case(pattern: str, value: str) -> bool:
    """Match by `*` and `?`, whatever the case: how actions are compared."""
    return _match(pattern, value, None, wild=True, flags=re.DOTALL | re.IGNORECASE)


def equals_any_case(pattern: str, value: str, context: Context | None = None) -> bool:
    """Compare whatever the case, variables replaced."""
    return _match(pattern, value, context, wild=False, flags=re.DOTALL | re.IGNORECASE)


def matches_arn(pattern: str, value: str, context: Context | None = None) -> bool:
    """Match the six parts of an ARN each by itself, as conditions on ARNs do."""
    wanted, given = pattern.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    if len(wanted) != _ARN_PARTS or len(given) != _ARN_PARTS:
        return pattern == "*"
    return all(matches(one, other, context) for one, other in zip(wanted, given, strict=True))


def _match(pattern: str, value: str, context: Context | None, *, wild: bool, flags: int) -> bool:
    if context is None or "${" not in pattern:
        return _fixed(pattern, wild=wild, flags=flags).fullmatch(value) is not None
    text = _regex(pattern, context, wild=wild)
    return text is not None and re.fullmatch(text, value, flags) is not None


@lru_cache(maxsize=4096)
def _fixed(pattern: str, *, wild: bool, flags: int) -> re.Pattern[str]:
    text = _regex(pattern, None, wild=wild)
    return re.compile(text or "", flags)


def _regex(pattern: str, context: Context | None, *, wild: bool) -> str | None:
    runs: list[list[str]] = [[]]
    end = 0
    for found in _PART.finditer(pattern):
        runs[-1].append(re.escape(pattern[end : found.start()]))
        end = found.end()
        if wild and found[0] == "*":
            runs.append([])
        elif found[1] is None:
            runs[-1].append("." if wild else re.escape(found[0]))
        elif context is None:
            runs[-1].append(re.escape(found[0]))
        else:
            value = _variable(found[1], context)
            if value is None:
                return None
            runs[-1].append(re.escape(value))
    runs[-1].append(re.escape(pattern[end:]))
    first, *others = ("".join(run) for run in runs)
    # Between two stars the first place that fits is as good as any: nothing else is tried
    # (atomic), or many stars would be tried in endless combinations.
    between = "".join(f"(?>.*?{run})" for run in others[:-1])
    return first + between + "".join(f".*{run}" for run in others[-1:])


def _variable(name: str, context: Context) -> str | None:
    if name in _LITERAL:
        return name
    given = _DEFAULT.fullmatch(name)
    values = context.get((given[1] if given else name).strip().lower(), ())
    if len(values) == 1:
        return values[0]
    return given[2] if given and not values else None
