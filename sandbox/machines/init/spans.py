"""Time spans as systemd writes them: `5min 20s`, `500ms`, `30`, `infinity`.

https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html
"""

import re
from datetime import timedelta

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµμ]*)\s*", re.IGNORECASE)
_SECONDS: dict[str, float] = {
    **dict.fromkeys(("us", "usec", "µs", "μs"), 1e-6),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}
FOREVER = timedelta(days=36_500)
"""What `infinity` is here."""


def parse_span(text: str) -> timedelta:
    """Return a span. Raises ValueError for what is none."""
    text = text.strip()
    if text == "infinity":
        return FOREVER
    total, position = 0.0, 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or part[2] not in _SECONDS:
            raise ValueError(f"Failed to parse time span: {text!r}")
        total += float(part[1]) * _SECONDS[part[2]]
        position = part.end()
    if not text:
        raise ValueError("Failed to parse an empty time span")
    return timedelta(seconds=total)
