"""The configuration of nats-server, from values: ports, passwords, where streams are stored.

Three users of the account APP, beside the machines. `services` may do all. `cli` sends commands
and requests and reads events, arrays, members, grants, leases, jobs' output and what machines
report. `observer` reads events. Neither of the two can read specs (command, script, environment):
not from their bucket, nor by asking as a machine does, nor from the replies to services and
machines, whose inboxes stand under prefixes of their own. `callout` is asked who may connect
beside these, and `system` may say whose connection is to be closed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from spawn.contracts.identities import ACCOUNT
from spawn.runtime.home import USERS, Mode, User

MAX_PAYLOAD = 1024 * 1024
"""Bytes; the bus door publishes less than this."""

SERVICES_INBOX = "_INBOX_services"
"""Where replies to the services come to: nobody else may subscribe to it."""

_MAX_CONTROL_LINE = 32 * 1024
"""Bytes of a line of the protocol. By default 4096, with which a machine could not connect: its
proof holds the session token of a role, which alone may have 4096
(https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html)."""

_AUTH_TIMEOUT_SECONDS = 20
"""The default of 2 s collapses when hundreds of machines connect at once."""

_AUTH, _SYS = "AUTH", "SYS"
"""Accounts of who is asked about machines, and of the server's own affairs."""

_EVENTS = "SPAWN_EVENTS"
_READABLE = (
    _EVENTS,
    "KV_spawn-arrays",
    "KV_spawn-members",
    "KV_spawn-grants",
    "KV_spawn-leases",
    "KV_spawn-notices",
    "SPAWN_LOGS",
    "SPAWN_AGENT",
)
_INFO = (*_READABLE, "SPAWN_COMMANDS", "SPAWN_DEAD")


class BusPorts(msgspec.Struct, frozen=True):
    """The loopback ports of nats-server: for clients, and for monitoring over HTTP."""

    client: int
    monitor: int


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the server lets in: its own users, and whoever `issuer` signs for."""

    passwords: Mapping[User, str]
    issuer: str


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """Where machines from elsewhere are listened to: with TLS, by paths of PEM files."""

    host: str
    port: int
    certificate: str
    key: str


def render(
    ports: BusPorts,
    access: Access,
    *,
    store: Path,
    mode: Mode,
    listener: Listener | None = None,
) -> str:
    """Return the text of `bus.conf`, which is JSON: nats-server reads that as its own format."""
    config: dict[str, Any] = {
        "server_name": "spawn",
        "listen": f"127.0.0.1:{ports.client}",
        "http": f"127.0.0.1:{ports.monitor}",
        "max_payload": MAX_PAYLOAD,
        "max_control_line": _MAX_CONTROL_LINE,
        # nats-py 2.16's ordered consumers die of the other format of flow control.
        "feature_flags": {"js_ack_fc_v2": False},
        "jetstream": {
            "store_dir": str(store),
            # The sandbox's cloud is gone with the machine's power; AWS' instances are not.
            "sync_interval": "1s" if mode == "sandbox" else "always",
        },
        "accounts": {
            ACCOUNT: {"jetstream": "enabled", "users": _app_users(access.passwords)},
            _AUTH: {"users": [_user("callout", access.passwords, _callout())]},
            _SYS: {"users": [_user("system", access.passwords, _system())]},
        },
        "system_account": _SYS,
        "authorization": {
            "timeout": _AUTH_TIMEOUT_SECONDS,
            # Who is in `auth_users` is known by a password; about all others we are asked.
            "auth_callout": {"issuer": access.issuer, "account": _AUTH, "auth_users": [*USERS]},
        },
    }
    if listener is not None:
        config["websocket"] = {
            "listen": f"{listener.host}:{listener.port}",
            "tls": {"cert_file": listener.certificate, "key_file": listener.key},
        }
    # Its own format has no \u escapes, and a home folder may have any letters.
    return json.dumps(config, indent=2, ensure_ascii=False)


def _app_users(passwords: Mapping[User, str]) -> list[dict[str, Any]]:
    return [
        _user("services", passwords, None),
        _user("cli", passwords, _cli()),
        _user("observer", passwords, _observer()),
    ]


def _user(
    user: User, passwords: Mapping[User, str], permissions: dict[str, Any] | None
) -> dict[str, Any]:
    """Return a user of the server's own: over loopback only, not from where machines come."""
    rights = {} if permissions is None else {"permissions": permissions}
    return {
        "user": user,
        "password": passwords[user],
        "allowed_connection_types": ["STANDARD"],
        **rights,
    }


def _callout() -> dict[str, Any]:
    return {
        "publish": {"deny": [">"]},
        "subscribe": {"allow": ["$SYS.REQ.USER.AUTH"]},
        "allow_responses": True,
    }


def _system() -> dict[str, Any]:
    server = "$SYS.REQ.SERVER"
    return {
        "publish": {"allow": [f"{server}.PING.CONNZ", f"{server}.*.CONNZ", f"{server}.*.KICK"]},
        "subscribe": {"allow": ["_INBOX_system.>"]},
    }


def _cli() -> dict[str, Any]:
    publish = ["spawn.cmd.*.*", "spawn.api.*.*", "$SRV.>", *_reading(_READABLE)]
    publish += [f"$JS.API.STREAM.INFO.{name}" for name in _INFO]
    return {
        "publish": {"allow": publish},
        "subscribe": {"allow": ["spawn.evt.>", "_INBOX.>", "_INBOX_cli.>"]},
    }


def _observer() -> dict[str, Any]:
    publish = [*_reading((_EVENTS,)), f"$JS.API.STREAM.INFO.{_EVENTS}"]
    return {
        "publish": {"allow": publish},
        "subscribe": {"allow": ["spawn.evt.>", "_INBOX.>", "_INBOX_observer.>"]},
    }


def _reading(streams: Sequence[str]) -> list[str]:
    """Return what a client publishes to read streams: consumers of its own, direct gets."""
    subjects = ["$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.FC.>"]
    for stream in streams:
        subjects += [
            f"$JS.API.CONSUMER.CREATE.{stream}",
            f"$JS.API.CONSUMER.CREATE.{stream}.>",
            f"$JS.API.CONSUMER.INFO.{stream}.*",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
            f"$JS.API.DIRECT.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}.>",
            f"$JS.API.STREAM.MSG.GET.{stream}",
            f"$JS.ACK.{stream}.>",
        ]
    return subjects
