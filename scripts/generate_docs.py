"""Writes the generated pages of docs/; with --check, says what is out of date and fails.

A change that would break readers of a contract is not written: it needs a new version of the
message, or, before the first release of that message, `--breaking`.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.pages import asyncapi, commands, contracts, errors, metrics, settings
from scripts.pages.compatibility import breaking_changes

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCHEMAS = "schemas"


def pages() -> dict[str, str]:
    """Return every generated text by its path under docs/."""
    written: dict[str, str] = {}
    for module in (asyncapi, contracts, settings, commands, metrics, errors):
        written |= module.files()
    return written


def broken(texts: Mapping[str, str], folder: Path = DOCS) -> Iterator[str]:
    """Name every change that readers of the schemas in `folder` would not survive."""
    for path in sorted((folder / SCHEMAS).glob("*.json")):
        name = f"{SCHEMAS}/{path.name}"
        if name not in texts:
            yield f"{name}: the message is gone"
            continue
        before, after = json.loads(path.read_text()), json.loads(texts[name])
        yield from (f"{name}: {change}" for change in breaking_changes(before, after))


def differences(texts: Mapping[str, str], folder: Path = DOCS) -> Iterator[str]:
    """Yield a diff for each page that is not as it would be written now."""
    stale = {f"{SCHEMAS}/{path.name}" for path in (folder / SCHEMAS).glob("*.json")} - set(texts)
    for name in sorted({*texts, *stale}):
        path = folder / name
        now = path.read_text() if path.exists() else ""
        if now != texts.get(name, ""):
            lines = difflib.unified_diff(
                now.splitlines(),
                texts.get(name, "").splitlines(),
                f"{folder.name}/{name}",
                "generated",
                "",
                "",
                2,
                "",
            )
            yield "\n".join(lines)


def check(texts: Mapping[str, str]) -> int:
    """Print what is out of date; return 1 when something is."""
    found = list(differences(texts))
    for each in found:
        print(each)
    if found:
        print(f"{len(found)} pages are out of date: run `make docs`", file=sys.stderr)
    return 1 if found else 0


def write(texts: Mapping[str, str], folder: Path = DOCS, *, breaking: bool) -> int:
    """Write the pages; return 1, nothing written, when a contract would break unasked."""
    breaks = list(broken(texts, folder))
    if breaks and not breaking:
        print("\n".join(breaks), file=sys.stderr)
        print("these break readers: make a new version, or use --breaking", file=sys.stderr)
        return 1
    for path in (folder / SCHEMAS).glob("*.json"):
        if f"{SCHEMAS}/{path.name}" not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"{len(texts)} pages written to {folder.name}/")
    return 0


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--breaking", action="store_true", help="write also what breaks readers")
    given = parser.parse_args()
    texts = pages()
    return check(texts) if given.check else write(texts, breaking=given.breaking)


if __name__ == "__main__":
    sys.exit(main())
