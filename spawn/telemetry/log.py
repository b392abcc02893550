"""Structured logs on stderr: one JSON object a line, or plain lines on a terminal.

Ids of the work at hand (array, instance, request, trace) are bound once with `bind` and stand
on every line that is written below it.
"""

import logging
import re
import sys
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

_SECRET_KEY = re.compile(
    r"pass(word)?|secret|token|credential|user_?data|script|command", re.IGNORECASE
)
_REDACTED = "[redacted]"
_SAFE_KEYS = frozenset({"client_token"})


def configure(service: str, *, level: str = "INFO", plain: bool = False) -> None:
    """Send structlog and the standard library's loggers to stderr in one format."""
    shared = _shared_processors()
    renderer = structlog.dev.ConsoleRenderer() if plain else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.contextvars.bind_contextvars(service=service)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    return structlog.stdlib.get_logger(name)


@contextmanager
def bind(**ids: str) -> Generator[None]:
    """Put ids on every line written inside the block, in this task and those it starts."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def _shared_processors() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]


def _redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key in event:
        if key not in _SAFE_KEYS and _SECRET_KEY.search(key) and isinstance(event[key], str):
            event[key] = _REDACTED
    return event
