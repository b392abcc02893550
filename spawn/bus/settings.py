"""Where the bus is and who we are on it: `SPAWN_NATS_*`."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec

from spawn.errors import Cause, Rejected

_CREDS_MARK = "-----BEGIN NATS USER JWT-----"
_OTHERS_MAY_READ = 0o077
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


class BusSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The connection to the bus."""

    nats_url: Annotated[
        str,
        msgspec.Meta(
            description="URL of the bus, several separated by commas; may carry user:password"
        ),
    ] = "nats://127.0.0.1:4222"
    nats_creds: Annotated[
        str,
        msgspec.Meta(
            description="Path of a file of mode 0600: one line `user:password`, or a .creds file"
        ),
    ] = ""
    nats_inbox: Annotated[
        str,
        msgspec.Meta(
            description="Prefix of the subjects on which answers come; empty for `_INBOX_<user>`,"
            " so that no user sees what another is answered"
        ),
    ] = ""
    nats_replicas: Annotated[
        int, msgspec.Meta(description="Copies of each stream and bucket: 1, or 3 in a cluster")
    ] = 1
    nats_connect_timeout: Annotated[
        timedelta,
        msgspec.Meta(
            description="How long a command waits for the bus before it gives up, and a service"
            " before it tries again"
        ),
    ] = timedelta(seconds=5)

    @property
    def servers(self) -> list[str]:
        """The URLs, credentials included."""
        return [url.strip() for url in self.nats_url.split(",") if url.strip()]

    @property
    def shown(self) -> str:
        """The URLs as they may be shown: without credentials."""
        return ",".join(_without_credentials(url) for url in self.servers)


class Login(msgspec.Struct, frozen=True):
    """Who we are: a name and a password, or the path of a .creds file, or neither."""

    user: str = ""
    password: str = ""
    creds_path: str = ""


def inbox_prefix(settings: BusSettings, who: Login) -> str:
    """Return the prefix of our inboxes: one of our own where the user's name allows it."""
    if settings.nats_inbox:
        return settings.nats_inbox
    return f"_INBOX_{who.user}" if _TOKEN.fullmatch(who.user) else "_INBOX"


def login(settings: BusSettings) -> Login:
    """Read the credentials file, if one is named; blocks for the length of one small read.

    Raises `Rejected` when it can't be read, others may read it, or its form is unknown.
    """
    if not settings.nats_creds:
        return _from_url(settings.servers[0]) if settings.servers else Login()
    path = Path(settings.nats_creds).expanduser()
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except (OSError, ValueError) as error:
        raise _unusable(path, f"can't be read ({type(error).__name__})") from error
    if mode & _OTHERS_MAY_READ:
        raise _unusable(path, "may be read by others; chmod 600 it")
    if _CREDS_MARK in text:
        return Login(creds_path=str(path))
    user, found, password = text.strip().partition(":")
    if not found or not user or "\n" in password:
        raise _unusable(path, "holds neither one line `user:password` nor NATS credentials")
    return Login(user=user, password=password)


def _from_url(url: str) -> Login:
    parts = urlsplit(url if "//" in url else f"nats://{url}")
    return Login(user=unquote(parts.username or ""), password=unquote(parts.password or ""))


def _unusable(path: Path, why: str) -> Rejected:
    return Rejected(
        f"SPAWN_NATS_CREDS={path} {why}", field="SPAWN_NATS_CREDS", cause=Cause.PERMISSION
    )


def _without_credentials(url: str) -> str:
    scheme, found, rest = url.partition("//")
    if not found:
        scheme, rest = "nats:", url
    return f"{scheme}//{rest.rpartition('@')[2]}"
