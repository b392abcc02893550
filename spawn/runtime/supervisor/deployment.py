"""The deployment's id: the same after the state folder is gone, so that machines are found."""

import getpass
import hashlib
import re
import uuid
from pathlib import Path
from typing import Annotated

import msgspec

from spawn.errors import Rejected
from spawn.runtime.home import Home
from spawn.runtime.settings import load

_VALID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MACHINE_ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
"""https://man7.org/linux/man-pages/man5/machine-id.5.html."""


class DeploymentSettings(msgspec.Struct, frozen=True):
    """Which machines in the account are this control plane's."""

    deployment: Annotated[
        str,
        msgspec.Meta(
            description="The deployment's id; made of user, machine and state folder when unset"
        ),
    ] = ""


def deployment_id(home: Home) -> str:
    """Return SPAWN_DEPLOYMENT, or the id of this user, machine and state folder."""
    named = load(DeploymentSettings).deployment
    return check(named) if named else derive(getpass.getuser(), _machine(), home.root)


def derive(user: str, machine: str, root: Path) -> str:
    """Return `<user>-<6 hex digits>`."""
    digest = hashlib.sha256(f"{machine}\0{root}".encode()).hexdigest()[:6]
    stem = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[:32]
    return f"{stem or 'user'}-{digest}"


def check(deployment: str) -> str:
    """Return it when it fits a tag and a subject; raise `Rejected` otherwise."""
    if not _VALID.fullmatch(deployment):
        raise Rejected(
            f"SPAWN_DEPLOYMENT={deployment[:64]!r}: use 1 to 64 letters, digits, hyphens and"
            " underscores",
            field="SPAWN_DEPLOYMENT",
        )
    return deployment


def _machine() -> str:
    for path in _MACHINE_ID_FILES:
        if path.is_file():
            return path.read_text().strip()
    return f"{uuid.getnode():x}"
