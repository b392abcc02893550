"""From an assignment to the keeper's plan: what runs, as whom, with which variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.accounts import Account
from agent.variables import Member, job_variables

SPOOL_BYTES = 512 * 1024 * 1024
"""Bytes of output on disk, sent or not; what comes beyond is left out, and said to be."""

_SHELL = "/bin/bash"
_LABELS = {"script": "boot script", "command": "command", "checkpoint": "checkpoint"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True)
class Users:
    """Who runs the command, and who runs the boot script."""

    login: Account
    own: Account


@dataclass(frozen=True)
class Plan:
    """Files to write into the job's folder, by name, and the plan itself."""

    files: Mapping[str, str]
    keeper: Mapping[str, Any]


def make_plan(member: Member, users: Users, inherited: Mapping[str, str]) -> Plan:
    """Return what the keeper carries out; raises `Unusable` for impossible variables."""
    job, folder = member.assignment.job, member.places.job
    files: dict[str, str] = {}
    stages: list[dict[str, Any]] = []
    if job.user_data:
        files["script"] = job.user_data
        begin = () if job.user_data.startswith("#!") else (_SHELL,)
        stage = stage_of("script", [*begin, str(folder / "script")], users.own)
        stages.append({**stage, "env": job_variables(member, users.own, inherited)})
    if job.command:
        environment = job_variables(member, users.login, inherited)
        files["begin"] = _begin(environment, member, folder)
        files["command"] = f"{job.command}\n"
        stage = stage_of("command", [_SHELL, "-l", str(folder / "begin")], users.login)
        stage.update(retries=job.retries, max_runtime=job.max_runtime)
        stage.update(earlier=member.assignment.generation)
        stages.append({**stage, "env": environment})
    return Plan(files=files, keeper={"spool_bytes": SPOOL_BYTES, "stages": stages})


def stage_of(name: str, argv: list[str], account: Account) -> dict[str, Any]:
    """Return a stage without environment, which is run once and takes as long as it takes."""
    return {
        "name": name,
        "label": _LABELS[name],
        "argv": argv,
        "uid": account.uid,
        "gid": account.gid,
        "groups": list(account.groups),
        "cwd": account.home,
        "retries": 0,
        "max_runtime": 0,
    }


def _begin(environment: Mapping[str, str], member: Member, folder: Path) -> str:
    """Return the login shell's first lines: what profiles have changed is set right again.

    The command is a file, for it may be longer than an argument, and is read in this same
    shell, for profiles define functions.
    """
    wanted = {**member.assignment.job.environment}
    lines = [
        f"export {name}={shlex.quote(value)}\n"
        for name, value in wanted.items()
        if _NAME.fullmatch(name)
    ]
    if "PATH" not in wanted:
        first = [each for each in environment["PATH"].split(":") if each not in _SYSTEM]
        lines += [f'export PATH={shlex.quote(":".join(first))}:"$PATH"\n'] if first else []
    return "".join(lines) + f". {shlex.quote(str(folder / 'command'))}\n"
