"""The configuration of nats-server, from values: ports, passwords, where streams are stored.

Three users. `services` may do all. `cli` sends commands and requests and reads events, arrays
and members. `observer` reads events. Neither of the two can read specs (command, script,
environment): not from their bucket, nor from the replies to the services, whose inboxes stand
under a prefix of their own.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from spawn.runtime.home import Mode, User

MAX_PAYLOAD = 1024 * 1024
"""Bytes; the bus door publishes less than this."""

SERVICES_INBOX = "_INBOX_services"
"""Where replies to the services come to: nobody else may subscribe to it."""

_AUTH_TIMEOUT_SECONDS = 20
"""The default of 2 s collapses when hundreds of machines connect at once."""

_EVENTS = "SPAWN_EVENTS"
_READABLE = (_EVENTS, "KV_spawn-arrays", "KV_spawn-members")
_INFO = (*_READABLE, "SPAWN_COMMANDS", "SPAWN_DEAD")


class BusPorts(msgspec.Struct, frozen=True):
    """The loopback ports of nats-server: for clients, and for monitoring over HTTP."""

    client: int
    monitor: int


def render(ports: BusPorts, *, passwords: Mapping[User, str], store: Path, mode: Mode) -> str:
    """Return the text of `bus.conf`, which is JSON: nats-server reads that as its own format."""
    return json.dumps(
        {
            "server_name": "spawn",
            "listen": f"127.0.0.1:{ports.client}",
            "http": f"127.0.0.1:{ports.monitor}",
            "max_payload": MAX_PAYLOAD,
            # nats-py 2.16's ordered consumers die of the other format of flow control.
            "feature_flags": {"js_ack_fc_v2": False},
            "jetstream": {
                "store_dir": str(store),
                # The sandbox's cloud is gone with the machine's power; AWS' instances are not.
                "sync_interval": "1s" if mode == "sandbox" else "always",
            },
            "authorization": {
                "timeout": _AUTH_TIMEOUT_SECONDS,
                "users": [
                    {"user": "services", "password": passwords["services"]},
                    {"user": "cli", "password": passwords["cli"], "permissions": _cli()},
                    {
                        "user": "observer",
                        "password": passwords["observer"],
                        "permissions": _observer(),
                    },
                ],
            },
        },
        indent=2,
        # Its own format has no \u escapes, and a home folder may have any letters.
        ensure_ascii=False,
    )


def _cli() -> dict[str, Any]:
    publish = ["spawn.cmd.*.*", "spawn.api.>", "$SRV.>", *_reading(_READABLE)]
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
