"""What the launcher answers and tells, read without trust in its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.clock import read_instant
from agent.notices import Told, Unclear, read_told

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


class Unreadable(Exception):  # noqa: N818 - a property of the message
    """A message is not what was agreed; the text says what is missing."""


@dataclass(frozen=True)
class Checkpointing:
    """What to do at a notice; `script` is a text, or the address of one; `timeout` in seconds."""

    on_interruption: str
    on_rebalance: str
    script: str
    timeout: int
    signal: str
    uri: str
    strict: bool


@dataclass(frozen=True)
class Job:
    """What this machine is to run."""

    user_data: str
    command: str
    environment: Mapping[str, str]
    env_compat: tuple[str, ...]
    login_user: str
    on_complete: str
    max_runtime: int
    retries: int
    peer_ssh: bool
    checkpoint: Checkpointing


@dataclass(frozen=True)
class Assignment:
    """The whole truth for this machine; `lease` is RFC 3339.

    Without `job_known` the launcher has lost what `job` was; without `heard`, our hello. With
    `stays` the machine was stopped and started again.
    """

    array_id: str
    name: str
    rank: int
    size: int
    generation: int
    lease: str
    lease_action: str
    master_port: int
    peers_revision: int
    may_start: bool
    ends: bool
    job: Job
    job_known: bool
    heard: bool
    stays: bool


@dataclass(frozen=True)
class Peer:
    """Another member, or this one."""

    index: int
    instance_id: str
    ip: str
    dns: str
    hostname: str
    slots: int
    host_key: str
    user_key: str

    @property
    def host(self) -> str:
        """What a program is told to reach it by: its name, or its address while it has none."""
        return self.dns or self.ip


@dataclass(frozen=True)
class Peers:
    """Who has said hello; only `complete` ones become files."""

    revision: int
    complete: bool
    peers: tuple[Peer, ...]


@dataclass(frozen=True)
class Page:
    """Some of the peers: page `number` of `pages`; those of one `edition` are of one list."""

    number: int
    pages: int
    edition: str
    size: int
    part: Peers


@dataclass(frozen=True)
class Tell:
    """A nudge."""

    what: str
    exec_id: str
    argv: tuple[str, ...]
    timeout_seconds: int
    until: str | None = None
    left_seconds: int = 0
    told: Told | None = None
    request_id: str = ""


def read_assignment(data: bytes) -> Assignment:
    """Read an assignment; raises `Unreadable`."""
    value = _object(data)
    try:
        lease, job = value["lease"], value["job"]
        return Assignment(
            array_id=str(value["array_id"]),
            name=str(value["name"]),
            rank=int(value["rank"]),
            size=int(value["size"]),
            generation=int(value["generation"]),
            lease=_instant(lease["until"]),
            lease_action=str(lease.get("action", "terminate")),
            master_port=int(value["master_port"]),
            peers_revision=int(value["peers_revision"]),
            may_start=bool(value.get("may_start", True)),
            ends=bool(value.get("ends", False)),
            job=_job(job),
            job_known=bool(value.get("job_known", True)),
            heard=bool(value.get("heard", True)),
            stays=bool(value.get("stays", False)),
        )
    except _MALFORMED as error:
        raise Unreadable(f"assignment: {error!r}") from error


def read_now(data: bytes) -> datetime | None:
    """Return when an assignment was answered, by the control plane's clock, if it says so."""
    value = _object(data)
    try:
        now = value.get("now")
        return None if now is None else read_instant(str(now))
    except _MALFORMED as error:
        raise Unreadable(f"assignment: {error!r}") from error


def read_page(data: bytes) -> Page:
    """Read a page of peers; raises `Unreadable`."""
    value = _object(data)
    try:
        return Page(
            number=int(value.get("page", 0)),
            pages=int(value.get("pages", 1)),
            edition=str(value.get("edition", "")),
            size=int(value["size"]),
            part=Peers(
                revision=int(value["revision"]),
                complete=bool(value["complete"]),
                peers=tuple(_peer(each) for each in value["peers"]),
            ),
        )
    except _MALFORMED as error:
        raise Unreadable(f"peers: {error!r}") from error


def keep_job(data: bytes, before: bytes) -> bytes:
    """Return an assignment with the job of the one before it, both of which can be read."""
    return json.dumps({**json.loads(data), "job": json.loads(before)["job"]}).encode()


def read_tell(data: bytes) -> Tell:
    """Read a nudge; raises `Unreadable`."""
    value = _object(data)
    try:
        return Tell(
            what=str(value["what"]),
            exec_id=str(value.get("exec_id", "")),
            argv=tuple(str(each) for each in value.get("argv", ())),
            timeout_seconds=int(value.get("timeout_seconds", 0)),
            until=_instant(value["until"]) if value.get("until") else None,
            left_seconds=int(value.get("left_seconds", 0)),
            told=read_told(value["notice"]) if value.get("notice") else None,
            request_id=str(value.get("request_id", "")),
        )
    except (*_MALFORMED, Unclear) as error:
        raise Unreadable(f"tell: {error!r}") from error


def _object(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise Unreadable("not JSON") from error


def _instant(value: Any) -> str:
    """Return an instant as it was written, once it is known to be one."""
    text = str(value)
    read_instant(text)
    return text


def _job(value: Any) -> Job:
    return Job(
        user_data=str(value.get("user_data", "")),
        command=str(value.get("command", "")),
        environment={str(name): str(text) for name, text in value.get("environment", {}).items()},
        env_compat=tuple(str(each) for each in value.get("env_compat", ())),
        login_user=str(value.get("login_user", "")),
        on_complete=str(value.get("on_complete", "none")),
        max_runtime=int(value.get("max_runtime", 0)),
        retries=int(value.get("retries", 0)),
        peer_ssh=bool(value.get("peer_ssh", True)),
        checkpoint=_checkpointing(value.get("checkpoint") or {}),
    )


def _checkpointing(value: Any) -> Checkpointing:
    return Checkpointing(
        on_interruption=str(value.get("on_interruption", "terminate")),
        on_rebalance=str(value.get("on_rebalance", "ignore")),
        script=str(value.get("script", "")),
        timeout=int(value.get("timeout_seconds", 90)),
        signal=str(value.get("signal", "last")),
        uri=str(value.get("uri", "")),
        strict=bool(value.get("strict", False)),
    )


def _peer(value: Any) -> Peer:
    said: Any = value.get("facts") or {}
    return Peer(
        index=int(value["index"]),
        instance_id=str(value["instance_id"]),
        ip=str(value["ip"]),
        dns=str(value.get("dns", "")),
        hostname=str(said.get("hostname", "")),
        slots=int(said.get("slots", 1)),
        host_key=str(said.get("host_key", "")),
        user_key=str(said.get("user_key", "")),
    )
