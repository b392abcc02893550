"""Writes Grafana's dashboards to deploy/grafana/; with --check, says what is out of date."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.dashboards.boards import BOARDS
from scripts.dashboards.grafana import render

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "dashboards"


def files() -> Mapping[str, str]:
    """Return every dashboard by the name of its file."""
    return {
        f"{board.uid.removeprefix('spawn-')}.json": json.dumps(render(board), indent=2) + "\n"
        for board in BOARDS
    }


def stale(texts: Mapping[str, str], folder: Path = FOLDER) -> list[str]:
    """Return the names of files that are not as they would be written now."""
    found = {path.name: path.read_text() for path in folder.glob("*.json")}
    return sorted(name for name in {*found, *texts} if found.get(name) != texts.get(name))


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    given, texts = parser.parse_args(), files()
    names = stale(texts)
    if given.check:
        if names:
            print(f"out of date: {', '.join(names)}: run `make docs`", file=sys.stderr)
        return 1 if names else 0
    for name in names:
        (FOLDER / name).unlink(missing_ok=True)
        if name in texts:
            (FOLDER / name).write_text(texts[name])
    print(f"{len(texts)} dashboards written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
