"""Posts what happens to arrays to a webhook: Slack's, or any that takes `{"text": ...}`.

Reads SPAWN_NATS_URL and WEBHOOK_URL; NOTIFY may name the kinds of events, and NOTIFY_STATE a file
that says how far it has come, so that nothing is left out after a restart.
"""

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

KINDS = "lease.warned,lease.idled,lease.expired,array.failed,array.finished"
_STREAM = "SPAWN_EVENTS"
_WAITS = (1, 5, 25)
"""Seconds before each further try of a webhook that does not answer."""


async def main() -> None:
    """Post events, one after the other, until SIGTERM."""
    kinds = set(os.environ.get("NOTIFY", KINDS).split(","))
    state = Path(os.environ["NOTIFY_STATE"]) if "NOTIFY_STATE" in os.environ else None
    bus = await nats.connect(os.environ["SPAWN_NATS_URL"], max_reconnect_attempts=-1)
    events = await bus.jetstream().subscribe(
        "spawn.evt.>", stream=_STREAM, ordered_consumer=True, config=_begin(state)
    )
    print("notify: listening", flush=True)
    async with asyncio.TaskGroup() as group:
        posting = group.create_task(_post_all(events.messages, kinds, state))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, posting.cancel)
    await bus.close()


async def _post_all(messages: AsyncIterator[Msg], kinds: set[str], state: Path | None) -> None:
    async for message in messages:
        kind = message.subject.split(".", 3)[3]
        if kind in kinds:
            subject = (message.headers or {}).get("ce-subject", "")
            await post(text_of(subject, kind, json.loads(message.data)))
        if state is not None:
            _note(state, message.metadata.sequence.stream)


def text_of(subject: str, kind: str, data: dict[str, Any]) -> str:
    """Write an event in one line."""
    lease: dict[str, Any] = data.get("lease") or {}
    if kind == "lease.warned":
        return f"{subject}: {data['reason']}, then {lease['action']}"
    if kind == "array.finished":
        failed = data.get("failed_ranks")
        return f"{subject}: " + ("succeeded" if data["succeeded"] else f"failed: ranks {failed}")
    why: str = data.get("reason") or lease.get("until", "")
    return f"{subject}: {kind}: {why}"


async def post(text: str) -> None:
    """Post a text, again if need be; one that the webhook refuses for good is left out."""
    for wait in (*_WAITS, None):
        try:
            await asyncio.to_thread(_post, text)
        except urllib.error.HTTPError as error:
            if error.code < 500:  # noqa: PLR2004 - it is our fault, and stays so
                print(f"notify: refused: {error}", file=sys.stderr)
                return
        except OSError as error:
            print(f"notify: {error}", file=sys.stderr)
        else:
            return
        if wait is None:
            raise SystemExit("notify: the webhook does not answer")
        await asyncio.sleep(wait)


def _post(text: str) -> None:
    body = json.dumps({"text": text}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(os.environ["WEBHOOK_URL"], body, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - where the user says
        pass


def _begin(state: Path | None) -> ConsumerConfig:
    """Return where to begin: behind what was posted last, else with what comes now."""
    if state is None or not state.exists():
        return ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
    return ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=int(state.read_text()) + 1
    )


def _note(state: Path, sequence: int) -> None:
    draft = state.with_name(f".{state.name}")
    draft.write_text(str(sequence))
    draft.replace(state)


if __name__ == "__main__":
    asyncio.run(main())
