"""A small metadata service: tokens required, and what a test puts there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

_TOKEN = "a-token"
_PREFIX = "/latest/meta-data/"


class Imds:
    """Texts by path below `/latest/meta-data/`; `token` changes when a test lets it expire."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.token = _TOKEN
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            assert request.headers["X-aws-ec2-metadata-token-ttl-seconds"]
            return web.Response(text=self.token)
        if request.headers.get("X-aws-ec2-metadata-token") != self.token:
            return web.Response(status=401)
        text = self.texts.get(request.path.removeprefix(_PREFIX))
        return web.Response(status=404) if text is None else web.Response(text=text)


@asynccontextmanager
async def serving_imds(texts: dict[str, str]) -> AsyncGenerator[Imds]:
    imds = Imds(texts)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", imds.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    imds.url = f"http://{host}:{port}"
    try:
        yield imds
    finally:
        await runner.cleanup()
