"""Markdown in small."""

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by scripts/generate_docs.py (`make docs`); edit the code instead. -->"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are one line each and their bars are escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: str) -> str:
    """Return a text as code, or nothing when it is empty."""
    if "`" in text:
        return f"`` {text} ``"
    return f"`{text}`" if text else ""


def page(title: str, *parts: str) -> str:
    """Return a page that says that it is generated."""
    return "\n\n".join((f"# {title}", GENERATED, *(part for part in parts if part))) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
