"""What the boot script tells the agent, in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_METADATA = "http://169.254.169.254"
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"""

_PRIVATE = ("SPAWN_BUS_", "SPAWN_AGENT_")
_OF_SYSTEMD = frozenset(
    {"INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "MAINPID"}
)


class ConfigError(Exception):
    """A variable is missing or unreadable; the text names it."""


@dataclass(frozen=True)
class Config:
    """The agent's settings.

    `root` is the folder that the machine takes for `/`; `sts` and `s3` are endpoints to use in
    place of the region's own, empty for none; `inherited` is what the job's environment begins
    with.
    """

    deployment: str
    array_id: str
    generation: int
    bus_url: str
    bus_fingerprint: str
    root: Path
    metadata: str
    sts: str
    s3: str
    inherited: Mapping[str, str]


def environment() -> dict[str, str]:
    """Return the environment of this process."""
    return dict(os.environ)


def read_config(environ: Mapping[str, str]) -> Config:
    """Read the settings; raises `ConfigError` naming the variable that is wrong."""
    return Config(
        deployment=_text(environ, "SPAWN_DEPLOYMENT"),
        array_id=_text(environ, "SPAWN_ARRAY_ID"),
        generation=_number(environ, "SPAWN_GENERATION"),
        bus_url=_text(environ, "SPAWN_BUS_URL"),
        bus_fingerprint=environ.get("SPAWN_BUS_FINGERPRINT", "").replace(":", "").lower(),
        root=Path(environ.get("SPAWN_ROOT") or "/"),
        metadata=environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", _METADATA).rstrip("/"),
        sts=environ.get("AWS_ENDPOINT_URL_STS") or environ.get("AWS_ENDPOINT_URL") or "",
        s3=environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or "",
        inherited=_inherited(environ),
    )


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name not in _OF_SYSTEMD and not name.startswith(_PRIVATE)
    }


def _text(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise ConfigError(f"{name} is not set; the boot script writes it")
    return value


def _number(environ: Mapping[str, str], name: str) -> int:
    text = _text(environ, name)
    if not text.isdigit():
        raise ConfigError(f"{name}={text[:40]!r} is not a number")
    return int(text)
