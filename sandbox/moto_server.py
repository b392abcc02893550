"""moto, run as a WSGI application in one thread.

moto's backends are plain objects without locks: two calls at once can break them ("dictionary
changed size during iteration"). So everything that touches them, every call and every timer,
runs in the one thread of this executor, in turn.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

from moto.backend_index import backend_url_patterns
from moto.core.config import default_user_config
from moto.core.exceptions import ServiceException
from moto.ec2.exceptions import FilterNotImplementedError
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]  moto has none
    SIGNING_ALIASES,
    DomainDispatcherApplication,
    create_backend_app,
)

from sandbox.errors import AwsError, Reply
from sandbox.request import Call
from sandbox.validation import explain
from sandbox.wsgi import environ
from spawn.telemetry.log import get_logger

T = TypeVar("T")

_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "server", "date"})
_SERVER_ERROR = 500

_log = get_logger(__name__)


class MotoServer:
    """The emulated account, and the only thread that may touch it."""

    def __init__(self) -> None:
        # AWS's own policies: read with the first call of IAM, in 0.1 s.
        default_user_config["iam"] = {"load_aws_managed_policies": True}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")
        self._application = DomainDispatcherApplication(create_backend_app)

    async def perform(self, function: Callable[..., T], call: Call, *arguments: Any) -> T:
        """Run what answers a call in moto's thread. Raises nothing but `AwsError`."""
        return await self.run(_guarded, function, call, arguments)

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

        if not _known(call.service):
            raise _unsupported(call)
        chunks: Iterable[bytes] = self._application(environ(call), start_response)
        body = b"".join(chunks)
        status, headers = started[0]
        return _reply(call, int(status.split()[0]), headers, body)


def _guarded(function: Callable[..., T], call: Call, arguments: tuple[Any, ...]) -> T:
    """Turn whatever goes wrong into the error that AWS would give."""
    try:
        return function(call, *arguments)
    except AwsError:
        raise
    except FilterNotImplementedError as error:
        name = str(error).split("'")[1]
        raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid") from error
    except NotImplementedError as error:
        raise _unsupported(call) from error
    except ServiceException as error:
        raise AwsError(error.code, error.message) from error
    except Exception as error:
        lacking = explain(call)
        if lacking is not None:
            raise lacking from error
        _log.exception("call failed", aws_service=call.service, api=call.action)
        raise AwsError(
            "InternalError", "An internal error has occurred", status=_SERVER_ERROR
        ) from error


@lru_cache(maxsize=256)
def _known(service: str) -> bool:
    """Tell whether moto has a service; unsigned calls have none and go to S3."""
    if service in {"", *SIGNING_ALIASES}:
        return True
    hosts = [f"http://{service}.us-east-1.amazonaws.com", f"http://{service}.amazonaws.com"]
    patterns = [pattern for _, pattern in backend_url_patterns]
    return any(pattern.match(host) for host in hosts for pattern in patterns)


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
