"""The files by which ssh knows members: in our own folder, or, when wanted, in the user's."""

from collections.abc import Iterable
from pathlib import Path

from cli.ssh_config import Host, Known, config_text, known_hosts_text, with_include
from spawn.contracts.ids import ArrayId
from spawn.runtime.files import write_private


def managed_file(home: Path) -> Path:
    """Return where the entries of members stand; it exists once that was wanted."""
    return home / ".ssh" / "config.d" / "spawn"


def write_keys(folder: Path, array_id: ArrayId, hosts: Iterable[Host]) -> Known:
    """Write the host keys that machines of an array told into a folder of ours."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = Known(told=folder / array_id, seen=folder / "seen_hosts")
    write_private(known.told, known_hosts_text(hosts).encode())
    return known


def write_config(home: Path, hosts: Iterable[Host]) -> Path:
    """Let ssh know these hosts and no others of ours; return the file that says so."""
    hosts = list(hosts)
    folder = home / ".ssh"
    managed = managed_file(home)
    managed.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = Known(told=folder / "spawn_known_hosts", seen=folder / "spawn_seen_hosts")
    write_private(known.told, known_hosts_text(hosts).encode())
    write_private(managed, config_text(hosts, known).encode())
    _include(folder / "config")
    return managed


def _include(path: Path) -> None:
    # Whoever keeps it elsewhere has a link here.
    path = path.resolve()
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = with_include(before)
    if after != before:
        write_private(path, after.encode())
