"""Builds the machines' agent into one file: the same input gives the same bytes.

Entries are stored (not packed), sorted and dated alike, so that neither zlib nor the clock of the
builder shows; nats-py is taken from the installed wheel, with its licence.
"""

import re
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "agent.pyz"
TEMPLATE = "boot/user-data.sh"

_MAIN = b"from agent.app import main\n\nmain()\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_INCLUDE = re.compile(r"^#include (?P<name>\S+)\n", re.MULTILINE)


def compose_user_data(folder: Path) -> str:
    """Return the boot template with the files that it includes."""
    template = (folder / "user-data.sh").read_text()
    return _INCLUDE.sub(lambda found: _stripped((folder / found["name"]).read_text()), template)


def _stripped(text: str) -> str:
    """Return a script without its comments: user-data is small."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith("# ")]
    return "".join(line for line in kept if line.strip())


def entries() -> dict[str, bytes]:
    """Return what the archive holds, by name."""
    found = {"__main__.py": _MAIN, TEMPLATE: compose_user_data(ROOT / "agent/boot").encode()}
    for path in (ROOT / "agent").glob("*.py"):
        found[f"agent/{path.name}"] = path.read_bytes()
    for name, path in _nats_files():
        found[name] = path.read_bytes()
    return found


def _nats_files() -> Iterator[tuple[str, Path]]:
    wheel = distribution("nats-py")
    for file in wheel.files or ():
        is_code = file.parts[0] == "nats" and file.suffix == ".py"
        if is_code or file.name == "LICENSE":
            yield ("nats-LICENSE" if not is_code else file.as_posix()), Path(str(file.locate()))


def build(target: Path) -> Path:
    """Write the archive and return its path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(entries().items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data)
    return draft.replace(target)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
