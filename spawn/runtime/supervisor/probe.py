"""Asking what listens on this machine: one short HTTP call, without a client library."""

import asyncio
import http.client
import socket
from contextlib import closing
from datetime import timedelta
from urllib.parse import urlsplit

PATIENCE = timedelta(seconds=10)
"""Loopback answers in a millisecond; a busy machine may take longer."""


def ask(
    url: str, *, token: str = "", body: bytes | None = None, patience: timedelta = PATIENCE
) -> tuple[int, bytes]:
    """Return status and body of a GET, or of a POST of JSON when there is a `body`.

    `token` authorises it. Raises `OSError` when nothing answers.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    parts = urlsplit(url)
    with closing(
        http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=patience.total_seconds()
        )
    ) as connection:
        try:
            target = f"{parts.path or '/'}?{parts.query}".rstrip("?")
            method = "GET" if body is None else "POST"
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{url} does not speak HTTP: {error!r}") from error


async def answers(url: str) -> bool:
    """Say whether a GET is answered by 200."""
    try:
        status, _ = await asyncio.to_thread(ask, url)
    except OSError:
        return False
    return status == http.client.OK


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def is_free(port: int) -> bool:
    """Say whether a loopback port can be listened on."""
    with closing(socket.socket()) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
