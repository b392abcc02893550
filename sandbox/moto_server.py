"""moto, run as a WSGI application in one thread.

moto's backends are plain objects without locks: two calls at once can break them ("dictionary
changed size during iteration"). So everything that touches them, every call and every timer,
runs in the one thread of this executor, in turn.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]  moto has none
    DomainDispatcherApplication,
    create_backend_app,
)

from sandbox.errors import AwsError, Reply
from sandbox.request import Call
from spawn.telemetry.log import get_logger

T = TypeVar("T")

_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "server", "date"})
_SERVER_ERROR = 500
_NOT_FOUND = 404

_log = get_logger(__name__)


class MotoServer:
    """The emulated account, and the only thread that may touch it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")
        self._application = DomainDispatcherApplication(create_backend_app)

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run `function` in moto's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def close(self) -> None:
        """Let the running call finish and end the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def call(self, call: Call) -> Reply:
        """Answer a call by moto. Raises `AwsError` for what moto does not have."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _info: object = None
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda _: None

        try:
            chunks: Iterable[bytes] = self._application(_environ(call), start_response)
            body = b"".join(chunks)
        except NotImplementedError as error:
            raise _unsupported(call) from error
        except Exception as error:
            _log.exception("moto failed", aws_service=call.service, api=call.action)
            raise AwsError(
                "InternalError", "An internal error has occurred", status=_SERVER_ERROR
            ) from error
        status, headers = started[0]
        return _reply(call, int(status.split()[0]), headers, body)


def _reply(call: Call, status: int, headers: list[tuple[str, str]], body: bytes) -> Reply:
    kept = tuple((k, v) for k, v in headers if k.lower() not in _HOP_BY_HOP)
    kind = next((v for k, v in kept if k.lower() == "content-type"), None)
    html = kind is not None and kind.startswith("text/html")
    # Flask answers a route that moto lacks with its own page, which no SDK can read.
    if html and body.lstrip()[:9].lower() == b"<!doctype" and status in {404, 405, 500}:
        raise _unsupported(call)
    rest = tuple((k, v) for k, v in kept if k.lower() != "content-type")
    failed = status >= 400  # noqa: PLR2004  the HTTP error range
    return Reply(status, body, kind, rest, "failed" if failed else "")


def _unsupported(call: Call) -> AwsError:
    name = call.action or f"{call.method} {call.path}"
    return AwsError("UnsupportedOperation", f"The sandbox does not have {call.service} {name}.")


def _environ(call: Call) -> dict[str, Any]:
    path = unquote_to_bytes(call.path).decode("latin-1")
    target = f"{call.path}?{call.query}" if call.query else call.path
    environ: dict[str, Any] = {
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": call.query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(call.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    _add_headers(environ, call)
    return environ


def _add_headers(environ: dict[str, Any], call: Call) -> None:
    for name, value in call.headers:
        key = name.upper().replace("-", "_")
        if key == "TRANSFER_ENCODING":
            continue
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    environ["CONTENT_LENGTH"] = str(len(call.body))
    if call.scope is not None and call.scope.presigned:
        # moto routes by this header alone: without it a presigned URL would go to S3.
        scope = call.scope
        environ["HTTP_AUTHORIZATION"] = (
            f"AWS4-HMAC-SHA256 Credential={scope.access_key_id}/{scope.date}/{scope.region}/"
            f"{scope.service}/aws4_request, SignedHeaders=host, Signature=0"
        )
