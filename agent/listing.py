"""Texts made of the peers: the peers file, the hostfile, what ssh reads, what shells read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence

from agent.orders import Peer

BEGIN, END = "# spawn: begin", "# spawn: end"


def peers_json(peers: Sequence[Peer]) -> str:
    """Return the peers file: an array in ascending order of ranks."""
    entries = [
        {"index": each.index, "instance_id": each.instance_id, "ip": each.ip, "dns": each.dns}
        for each in sorted(peers, key=lambda each: each.index)
    ]
    return json.dumps(entries, indent=1) + "\n"


def hostfile(peers: Sequence[Peer]) -> str:
    """Return the hosts with their slots, as Open MPI takes them."""
    ordered = sorted(peers, key=lambda each: each.index)
    return "".join(f"{each.host} slots={max(each.slots, 1)}\n" for each in ordered)


def profile(variables: Mapping[str, str]) -> str:
    """Return a script that exports variables, for login shells."""
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    return "# What this machine is in its job array.\n" + "".join(lines)


def authorized_keys(peers: Iterable[Peer]) -> str:
    """Return the public keys of all peers' users."""
    return "".join(f"{each.user_key}\n" for each in peers if is_key(each.user_key))


def known_hosts(name: str, peers: Iterable[Peer]) -> str:
    """Return the host keys of all peers under each of their names."""
    return "".join(
        f"{','.join(names_of(name, each))} {each.host_key}\n"
        for each in peers
        if is_key(each.host_key)
    )


def ssh_config(name: str, peers: Iterable[Peer], *, user: str, folder: str) -> str:
    """Return an entry for each peer: `ssh training-3` and `ssh <ip>` need nothing more."""
    return "".join(
        f"Host {' '.join(names_of(name, each))}\n"
        f"    HostName {each.ip}\n"
        f"    User {user}\n"
        f"    IdentityFile {folder}/id_ed25519\n"
        f"    UserKnownHostsFile {folder}/known_hosts\n"
        "    StrictHostKeyChecking yes\n"
        for each in peers
    )


def names_of(name: str, peer: Peer) -> list[str]:
    """Return the names under which a peer is reached, without repetition."""
    names = (f"{name}-{peer.index}", peer.ip, peer.dns, peer.hostname)
    plain = (each for each in names if each and not set(each) & set(" ,\t\n*?!#\"'"))
    return list(dict.fromkeys(plain))


def is_key(text: str) -> bool:
    """Say whether a text is one public key on one line, and nothing else."""
    parts = text.split(" ", 2)
    return len(parts) > 1 and parts[0].startswith(("ssh-", "ecdsa-")) and text.isprintable()


def with_block(text: str, block: str) -> str:
    """Return a file's text with our part of it replaced, at its beginning."""
    head, begin, rest = text.partition(f"{BEGIN}\n")
    others = head + rest.partition(f"{END}\n")[2] if begin else text
    return f"{BEGIN}\n{block}{END}\n{others}"
