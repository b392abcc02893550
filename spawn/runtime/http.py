"""Health and metrics over HTTP, and the file that says where.

`/healthz`: 200 while the event loop turns. `/readyz`: 200, or 503 with the reasons as JSON.
`/metrics`: Prometheus' text format.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import web

from spawn.errors import Rejected
from spawn.runtime.context import RuntimeSettings
from spawn.runtime.files import write_private
from spawn.runtime.health import Health
from spawn.telemetry.metrics import CONTENT_TYPE, exposition

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - compared only
_NOT_READY = 503


class Running(msgspec.Struct, frozen=True):
    """What a process says of itself in its run file."""

    name: str
    pid: int
    ready_url: str
    metrics_url: str


@asynccontextmanager
async def health_server(
    name: str, settings: RuntimeSettings, health: Health
) -> AsyncGenerator[Running]:
    """Serve for the length of the block; raises `Rejected` when the port can't be had."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", _healthz),
            web.get("/readyz", _readyz(health)),
            web.get("/metrics", _metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await _listen(runner, settings)
        running = _running(name, settings.http_host, runner.addresses[0][1])
        if settings.run_file:
            path = Path(settings.run_file)
            await asyncio.to_thread(write_private, path, msgspec.json.encode(running))
        yield running
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: RuntimeSettings) -> None:
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        raise Rejected(
            f"SPAWN_HTTP_PORT={settings.http_port}: can't listen there ({error.strerror})",
            field="SPAWN_HTTP_PORT",
        ) from error


def _running(name: str, host: str, port: int) -> Running:
    base = f"http://{_ANYWHERE.get(host, host)}:{port}"
    return Running(
        name=name, pid=os.getpid(), ready_url=f"{base}/readyz", metrics_url=f"{base}/metrics"
    )


async def _healthz(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _readyz(health: Health) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        reasons = health.reasons()
        return web.Response(
            body=msgspec.json.encode({"ready": not reasons, "reasons": reasons}),
            status=_NOT_READY if reasons else 200,
            content_type="application/json",
        )

    return answer


async def _metrics(_request: web.Request) -> web.Response:
    body = await asyncio.to_thread(exposition)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
