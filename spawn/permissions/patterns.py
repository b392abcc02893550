"""What IAM's wildcards match: `*` is any text, `?` one character; in an ARN, within a part."""

import re
from functools import lru_cache
from itertools import starmap

_ARN_PARTS = 6
_PIECE = re.compile(r"(\$\{[^}]*\}|[*?])")


def covers(wide: str, narrow: str) -> bool:
    """Say whether all that `narrow` matches is matched by `wide`, too.

    Both may have wildcards and variables. Yes is always right; a no may be wrong where wildcards
    overlap. The time is that of the lengths multiplied at most, however many stars there are.
    """
    if wide in ("*", narrow):
        return True
    if not is_wild(wide):
        return False
    parts = _parts(wide)
    others = _parts(narrow) if len(parts) > 1 else [narrow]
    return len(parts) == len(others) and all(starmap(_fits, zip(parts, others, strict=True)))


def covers_action(wide: str, narrow: str) -> bool:
    """Say the same of actions, in which case does not matter."""
    return covers(wide.lower(), narrow.lower())


def is_wild(text: str) -> bool:
    """Say whether a text has wildcards."""
    return "*" in text or "?" in text


def _parts(text: str) -> list[str]:
    """Return the parts of an ARN, and any other text as one.

    A key or a name may hold what looks like the parts of another ARN.
    """
    parts = text.split(":", _ARN_PARTS - 1) if text.startswith("arn:") else [text]
    return parts if len(parts) == _ARN_PARTS else [text]


def _fits(wide: str, narrow: str) -> bool:
    return wide in ("*", narrow) or _regex(wide).fullmatch(narrow) is not None


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    runs = [""]
    for piece in filter(None, _PIECE.split(pattern)):
        if piece == "*":
            runs.append("")
        else:
            # A `?` takes neither a `*` nor a variable, which may be more than one character.
            runs[-1] += r"[^*$]" if piece == "?" else re.escape(piece)
    first, *others = runs
    # The first place where a text between two stars fits is as good as any later one: once it is
    # found nothing else is tried (atomic), or many stars would be tried in endless combinations.
    between = "".join(f"(?>.*?{run})" for run in others[:-1])
    return re.compile(first + between + "".join(f".*{run}" for run in others[-1:]), re.DOTALL)
