"""What ssh must know to reach members by name: addresses, users, host keys."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from spawn.contracts.arrays import Array
from spawn.contracts.ids import InstanceId
from spawn.contracts.members import Member

_KEY = re.compile(r"((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+ [A-Za-z0-9+/=]+)(?: .*)?")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]+")
_INCLUDED = re.compile(r"\s*Include\s.*\bconfig\.d/(?:spawn|\*)", re.IGNORECASE)

_DEFAULT_USER = "ec2-user"
"""Who logs in on Amazon Linux
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html)."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A member as ssh reaches it; `key` is its host's public key, empty while it isn't known."""

    alias: str
    address: str
    user: str
    instance_id: InstanceId
    key: str


class Known(msgspec.Struct, frozen=True):
    """The files of host keys: of those that machines told, and of those that ssh has seen."""

    told: Path
    seen: Path


def hosts_of(array: Array, members: Collection[Member]) -> list[Host]:
    """Return, by rank, the members that have an address."""
    living = sorted((each for each in members if not each.is_over), key=lambda each: each.rank)
    return [
        Host(
            alias=f"{array.name}-{member.rank}",
            address=address,
            user=array.spec.login_user or ("" if array.spec.ami else _DEFAULT_USER),
            instance_id=member.instance.id,
            key=_key(member),
        )
        for member in living
        if _ADDRESS.fullmatch(address := member.instance.public_ip or member.instance.private_ip)
    ]


def _key(member: Member) -> str:
    """Return the host key alone: a machine says it of itself, and may say anything."""
    match = _KEY.fullmatch(member.facts.host_key) if member.facts else None
    return match[1] if match else ""


def config_text(hosts: Iterable[Host], known: Known) -> str:
    """Return a file of ssh's configuration with an entry for each host."""
    blocks = (
        "\n".join([f"Host {host.alias}", *(f"    {each}" for each in _entry(host, known)), ""])
        for host in hosts
    )
    return f"# Written by spawn; changes are lost.\n{''.join(blocks)}"


def _entry(host: Host, known: Known) -> list[str]:
    return [f"HostName {host.address}", *(f"{k} {v}" for k, v in _options(host, known).items())]


def known_hosts_text(hosts: Iterable[Host]) -> str:
    """Return the host keys under the ids of their instances, which no other ever has."""
    return "".join(f"{host.instance_id} {host.key}\n" for host in hosts if host.key)


def ssh_arguments(host: Host, known: Known) -> list[str]:
    """Return the arguments by which ssh reaches a host without any file of configuration."""
    options = [f"-o{name}={value}" for name, value in _options(host, known).items()]
    return [*options, host.address]


def _options(host: Host, known: Known) -> dict[str, str]:
    user = {"User": host.user} if host.user else {}
    file = known.told if host.key else known.seen
    return {
        **user,
        "HostKeyAlias": host.instance_id,
        "UserKnownHostsFile": f'"{file}"',
        "StrictHostKeyChecking": "yes" if host.key else "accept-new",
    }


def with_include(text: str) -> str:
    """Return `~/.ssh/config` with our file included, before its first entry for hosts."""
    if any(_INCLUDED.match(line) for line in text.splitlines()):
        return text
    return f"Include config.d/spawn\n{text}"
