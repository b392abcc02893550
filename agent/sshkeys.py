"""Keys of the login user and of the host, and what ssh must know of the peers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from agent import listing, places
from agent.accounts import Account, make_home
from agent.orders import Peer

_KEYGEN_WITHIN = timedelta(seconds=30)


def user_key(account: Account) -> str:
    """Return the login user's public key, made when there is none; empty without ssh-keygen."""
    make_home(account)
    return _public_key(_folder(account) / "id_ed25519", account)


def host_key(root: Path, own: Account) -> str:
    """Return the host's public key, made when there is none; empty without ssh-keygen."""
    folder = root / "etc/ssh"
    folder.mkdir(parents=True, exist_ok=True)
    return _public_key(folder / "ssh_host_ed25519_key", own)


def _public_key(path: Path, owner: Account) -> str:
    public = path.with_name(f"{path.name}.pub")
    program = shutil.which("ssh-keygen")
    if not public.exists() and program is not None:
        subprocess.run(  # noqa: S603 - fixed arguments
            [program, "-q", "-t", "ed25519", "-N", "", "-C", "spawn", "-f", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=_KEYGEN_WITHIN.total_seconds(),
        )
        for each in (path, public):
            _give(each, owner)
    key = places.read_text(public)
    return key if listing.is_key(key) else ""


def write_peers(name: str, peers: Sequence[Peer], account: Account) -> None:
    """Let peers in by their keys, and know them: our part of three files, others' left alone."""
    folder = _folder(account)
    entries = listing.ssh_config(name, peers, user=account.name, folder=str(folder))
    # What stands at the end of our part would else hold for our last host alone.
    texts = {
        "authorized_keys": listing.authorized_keys(peers),
        "known_hosts": listing.known_hosts(name, peers),
        "config": f"{entries}Host *\n",
    }
    for file, block in texts.items():
        path = folder / file
        before = path.read_text() if path.exists() else ""
        after = listing.with_block(before, block)
        if after != before:
            places.write(path, after.encode(), places.PRIVATE)
            _give(path, account)


def _folder(account: Account) -> Path:
    folder = Path(account.home) / ".ssh"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        _give(folder, account)
    return folder


def _give(path: Path, account: Account) -> None:
    if account.uid != os.geteuid():
        os.chown(path, account.uid, account.gid)
