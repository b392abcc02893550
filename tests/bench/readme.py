"""The README's table, between its two markers."""

import re
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
_BETWEEN = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)


def rewrite(path: Path, text: str) -> bool:
    """Put `text` between the markers; say whether there are any."""
    before = path.read_text()
    after, number = _BETWEEN.subn(lambda _: f"{BEGIN}\n{text}\n{END}", before)
    if after != before:
        path.write_text(after)
    return number > 0
