"""What IAM's wildcards match: `*` is any text, `?` one character."""

import re
from functools import lru_cache


def covers(wide: str, narrow: str) -> bool:
    """Say whether all that `narrow` matches is matched by `wide`, too.

    Both may have wildcards. Yes is always right; a no may be wrong where wildcards overlap.
    """
    if wide in ("*", narrow):
        return True
    return is_wild(wide) and _regex(wide).fullmatch(narrow) is not None


def covers_action(wide: str, narrow: str) -> bool:
    """Say the same of actions, in which case does not matter."""
    return covers(wide.lower(), narrow.lower())


def is_wild(text: str) -> bool:
    """Say whether a text has wildcards."""
    return "*" in text or "?" in text


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    # A `?` takes no `*` of the narrower pattern, which may stand for more than one character.
    parts = {"*": ".*", "?": r"[^*]"}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)
