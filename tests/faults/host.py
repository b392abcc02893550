"""A service in a process of its own, forked from one that has imported everything already."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from services.iam_broker.service import SERVICE as IAM_BROKER
from services.launcher.service import SERVICE as LAUNCHER
from spawn.runtime.run import run
from spawn.runtime.service import AnyService
from tests.faults.counting import Kill, Turnstile, counted

_FORKS: Any = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


SERVICES: dict[str, AnyService] = {each.name: each for each in (IAM_BROKER, LAUNCHER)}


@dataclass(frozen=True)
class Start:
    """How a service is started: its environment, its files, and when it ends itself."""

    env: Mapping[str, str]
    log: Path
    journal: Path
    kill: Kill | None = None
    service: str = LAUNCHER.name


def start(how: Start) -> BaseProcess:
    """Start a service; end it by `kill` or `terminate`."""
    process: BaseProcess = _FORKS.Process(target=main, args=(how,), daemon=True)
    process.start()
    return process


def main(how: Start) -> None:
    """Be the service until a signal, or the chosen call, ends the process."""
    log = os.open(how.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()  # noqa: TID251 - the entry point of a process, which sets its own
    os.environ.update(how.env)  # noqa: TID251 - as above
    turnstile = Turnstile(how.journal, how.kill)
    service = SERVICES[how.service]
    sys.exit(run(replace(service, open=counted(service.open, turnstile))))
