"""The metadata services of all machines: one server, a listener on each machine's address.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from secrets import token_urlsafe

from aiohttp import web

from sandbox.machines import metadata_tree
from sandbox.machines.facts import Facts
from sandbox.machines.role import Roles
from spawn.clock import Clock

_TOKEN = "X-aws-ec2-metadata-token"  # noqa: S105  the header's name
_TTL = "X-aws-ec2-metadata-token-ttl-seconds"
_LONGEST_TTL = 21_600
_VERSION = re.compile(r"latest|1\.0|20\d\d-\d\d-\d\d")
_ROLE = re.compile(r"iam/security-credentials(?:/([^/]*))?")
_PAGE = (
    '<?xml version="1.0" encoding="iso-8859-1"?>\n'
    '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n'
    " <head>\n  <title>{0} - {1}</title>\n </head>\n"
    " <body>\n  <h1>{0} - {1}</h1>\n </body>\n</html>\n"
)

TagsOf = Callable[[Facts], Awaitable[dict[str, str]]]

ShownOf = Callable[[Facts], dict[str, str]]
"""What is shown of a machine now and was not when it booted: texts by path below `meta-data/`."""


class Metadata:
    """Answers what machines ask about themselves."""

    def __init__(self, roles: Roles, clock: Clock, *, tags_of: TagsOf, shown_of: ShownOf) -> None:
        self._roles = roles
        self._clock = clock
        self._tags_of = tags_of
        self._shown_of = shown_of
        self._machines: dict[str, Facts] = {}
        self._sites: dict[str, web.BaseSite] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        """Whose each token is, and until when (monotonic seconds)."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)

    async def start(self) -> None:
        """Get ready to listen."""
        await self._runner.setup()

    async def close(self) -> None:
        """Stop listening everywhere."""
        await self._runner.cleanup()

    @asynccontextmanager
    async def serving(self, facts: Facts) -> AsyncGenerator[str]:
        """Listen on a machine's address inside the block, which is given the endpoint.

        Raises OSError when it can't be listened on. Tokens and credentials end with the block.
        """
        endpoint = await self._open(facts)
        try:
            yield endpoint
        finally:
            await self._shut(facts)

    async def _open(self, facts: Facts) -> str:
        address = facts.network.private_ip
        # A port that is free: another sandbox on this host may have the same address.
        listener = socket.create_server((address, 0))
        site = web.SockSite(self._runner, listener)
        await site.start()
        self._machines[address], self._sites[address] = facts, site
        return f"http://{address}:{listener.getsockname()[1]}"

    async def _shut(self, facts: Facts) -> None:
        address = facts.network.private_ip
        del self._machines[address]
        await self._sites.pop(address).stop()
        self._roles.forget(facts.instance_id)
        for token, (whose, _) in list(self._tokens.items()):
            if whose == facts.instance_id:
                del self._tokens[token]

    async def _handle(self, request: web.Request) -> web.Response:
        facts = self._whose(request)
        if facts is None or not facts.access.enabled:
            return _page(403, "Forbidden")
        if request.path == "/latest/api/token":
            return self._token(request, facts)
        if request.method not in {"GET", "HEAD"}:
            return _page(405, "Method Not Allowed")
        headers = {"Server": "EC2ws"}
        token = request.headers.get(_TOKEN)
        if token is not None or facts.access.token_required:
            left = self._seconds_left(facts, token or "")
            if left <= 0:
                return _page(401, "Unauthorized")
            headers[_TTL] = str(left)
        return await self._read(facts, request.path, headers)

    def _token(self, request: web.Request, facts: Facts) -> web.Response:
        if request.method != "PUT":
            return _page(405, "Method Not Allowed")
        # What came through a proxy does not come from the machine itself.
        if "X-Forwarded-For" in request.headers:
            return _page(403, "Forbidden")
        seconds = request.headers.get(_TTL, "")
        if not seconds.isdecimal() or not 1 <= int(seconds) <= _LONGEST_TTL:
            return _page(400, "Bad Request")
        now = self._clock.monotonic()
        self._tokens = {one: t for one, t in self._tokens.items() if t[1] > now}
        token = token_urlsafe(40)
        self._tokens[token] = facts.instance_id, now + int(seconds)
        return web.Response(text=token, headers={"Server": "EC2ws", _TTL: seconds})

    async def _read(self, facts: Facts, path: str, headers: dict[str, str]) -> web.Response:
        version, _, rest = path.lstrip("/").partition("/")
        if not version:
            return web.Response(text="latest", headers=headers)
        body = await self._text(facts, rest) if _VERSION.fullmatch(version) else None
        if body is None:
            return _page(404, "Not Found")
        return web.Response(body=body, content_type="text/plain", headers=headers)

    async def _text(self, facts: Facts, path: str) -> bytes | None:
        category, _, rest = path.partition("/")
        match category:
            case "":
                names = ["dynamic", "meta-data", *(["user-data"] if facts.user_data else [])]
                return "\n".join(names).encode()
            case "user-data":
                return facts.user_data or None
            case "dynamic":
                return _encoded(metadata_tree.look_up(_dynamic(facts), rest))
            case "meta-data":
                return _encoded(await self._meta_data(facts, rest))
            case _:
                return None

    async def _meta_data(self, facts: Facts, path: str) -> str | None:
        role = _ROLE.fullmatch(path)
        if role is not None and role[1] and facts.profile is not None:
            known = role[1] == facts.profile.role_name
            return await self._roles.credentials(facts, facts.profile) if known else None
        if path.rstrip("/") == "public-keys" and facts.key_name:
            return f"0={facts.key_name}"
        tags = await self._tags_of(facts) if path.startswith("tags") else {}
        tree = metadata_tree.meta_data(facts, tags)
        return metadata_tree.look_up(metadata_tree.grown(tree, self._shown_of(facts)), path)

    def _whose(self, request: web.Request) -> Facts | None:
        if request.transport is None:
            return None
        return self._machines.get(request.transport.get_extra_info("sockname")[0])

    def _seconds_left(self, facts: Facts, token: str) -> int:
        whose, until = self._tokens.get(token, ("", 0.0))
        return int(until - self._clock.monotonic() + 1) if whose == facts.instance_id else 0


def _dynamic(facts: Facts) -> metadata_tree.Tree:
    return {"instance-identity": {"document": metadata_tree.identity_document(facts)}}


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _page(status: int, title: str) -> web.Response:
    text = _PAGE.format(status, title)
    return web.Response(status=status, text=text, content_type="text/html")
