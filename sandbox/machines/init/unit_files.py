"""Unit files, as far as a machine needs them.

https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

SEARCHED = ("run/systemd/transient", "etc/systemd/system", "usr/lib/systemd/system")
"""Where units stand below a machine's root, the first that has one wins."""

_SECTION = re.compile(r"\[([^\]]+)\]")
_WORD = re.compile(r"""(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'([^']*)'""", re.DOTALL)
_TRUE = frozenset({"1", "yes", "true", "on"})

Settings = Mapping[tuple[str, str], Sequence[str]]
"""Values by section and key, in their order."""


class UnitFile(msgspec.Struct, frozen=True):
    """One unit as it is written down; `path` is None for a transient one."""

    name: str
    settings: Settings
    path: Path | None = None

    def all(self, section: str, key: str) -> Sequence[str]:
        """Return every value of a key."""
        return self.settings.get((section, key), ())

    def last(self, section: str, key: str, default: str = "") -> str:
        """Return the value that counts for a key that has one."""
        values = self.all(section, key)
        return values[-1] if values else default

    def flag(self, section: str, key: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.last(section, key).lower()
        return value in _TRUE if value else default


def find(root: Path, name: str) -> UnitFile | None:
    """Return the unit of that name, None when there is none."""
    for folder in SEARCHED:
        path = root / folder / name
        if path.is_file():
            return UnitFile(name, parse(path.read_text(errors="replace"), name=name), path)
    return None


def parse(text: str, *, name: str) -> Settings:
    """Return the settings of a unit file. An empty value takes back those before it."""
    found: dict[tuple[str, str], list[str]] = {}
    section = ""
    for line in _joined(text):
        heading = _SECTION.fullmatch(line)
        if heading is not None:
            section = heading[1]
            continue
        key, mark, value = line.partition("=")
        if not mark:
            continue
        values = found.setdefault((section, key.strip()), [])
        if value.strip():
            values.append(specified(value.strip(), name))
        else:
            values.clear()
    return found


def specified(value: str, name: str) -> str:
    """Return a value with its specifiers (%n, %N, %p, %i, %%) replaced."""
    stem = name.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    known = {"%n": name, "%N": stem, "%p": prefix, "%i": instance, "%%": "%"}
    return re.sub(r"%.", lambda found: known.get(found[0], found[0]), value)


def words(text: str) -> list[str]:
    """Split a value into words; quotes hold what stands in them together."""
    return [_unquoted(word) for word in _WORD.findall(text)]


def assignments(text: str) -> dict[str, str]:
    """Return the variables of `Environment=`, or of one line of a file of variables."""
    pairs = (word.partition("=") for word in words(text))
    return {name: value for name, mark, value in pairs if mark}


def environment_file(path: str) -> dict[str, str]:
    """Return the variables of an `EnvironmentFile=`. Raises OSError unless a `-` stands first."""
    optional = path.startswith("-")
    try:
        text = Path(path.removeprefix("-")).read_text()
    except FileNotFoundError:
        if optional:
            return {}
        raise
    found: dict[str, str] = {}
    for line in _joined(text):
        name, mark, value = line.removeprefix("export ").partition("=")
        if mark:
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(word: str) -> str:
    def plain(quoted: re.Match[str]) -> str:
        if quoted[2] is not None:
            return quoted[2]
        return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)

    return _QUOTED.sub(plain, word)


def _joined(text: str) -> list[str]:
    """Return the lines that say something, those that end with a backslash joined."""
    found: list[str] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        stripped = line.strip()
        if stripped and stripped[0] not in "#;":
            found.append(stripped)
    return found
