"""`python -m spawn.runtime.supervisor [--sandbox] [--isolate] [--report FD]`.

Started by `spawn up`. Exit codes: 0 ended as asked, 1 did not start, 75 another one runs.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable
from importlib import metadata
from typing import cast

from spawn.clock import SystemClock
from spawn.errors import Conflict, Outcome, Rejected
from spawn.runtime.home import ControlState, Home, locate
from spawn.runtime.processes import refer
from spawn.runtime.settings import environment, load
from spawn.runtime.supervisor import nats_server, recovery
from spawn.runtime.supervisor.advertising import AdvertisingSettings, advertise
from spawn.runtime.supervisor.deployment import deployment_id
from spawn.runtime.supervisor.folders import clear_cloud, prepare
from spawn.runtime.supervisor.footprint import Footprint
from spawn.runtime.supervisor.report import Busy, Failed, Reporter
from spawn.runtime.supervisor.settings import SupervisorSettings
from spawn.runtime.supervisor.specs import Options
from spawn.runtime.supervisor.supervisor import Ground, Supervisor, listen_for_signals
from spawn.telemetry import log

_BUSY = 75
"""EX_TEMPFAIL (https://man7.org/linux/man-pages/man3/sysexits.h.3head.html)."""


def main() -> int:
    """Supervise one control plane; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spawn.runtime.supervisor")
    parser.add_argument("--sandbox", action="store_true", help="run the laptop cloud")
    parser.add_argument("--isolate", action="store_true", help="one process per service")
    parser.add_argument("--report", type=int, help="file descriptor for reports")
    given = parser.parse_args()
    log.configure("supervisor")
    options = Options(mode="sandbox" if given.sandbox else "aws", isolate=given.isolate)
    reporter = Reporter(given.report)
    try:
        _supervise(options, locate(), reporter)
    except Conflict:
        reporter.tell(Busy())
        return _BUSY
    except (Outcome, ExceptionGroup) as error:
        leaves = tuple(_leaves(error))
        message = "\n".join(dict.fromkeys(map(_message, leaves)))
        log.get_logger(__name__).error("not started", reason=message)
        rejected = any(isinstance(each, Rejected) for each in leaves)
        reporter.tell(Failed(message, rejected))
        return 1
    return 0


def _supervise(options: Options, home: Home, reporter: Reporter) -> None:
    footprint = Footprint(home)
    with footprint.locked():
        leftovers = recovery.find(home, footprint)
        recovery.end_processes(leftovers)
        if options.mode == "sandbox" and leftovers.cloud is None:
            clear_cloud(home)
        prepare(home)
        ground = Ground(
            home=home,
            footprint=footprint,
            leftovers=leftovers,
            env=environment(),
            clock=SystemClock(),
            reporter=reporter,
        )
        asyncio.run(_run(options, ground))


async def _run(options: Options, ground: Ground) -> None:
    supervisor = Supervisor(
        options, _state(options, ground.home), ground, load(SupervisorSettings)
    )
    listen_for_signals(supervisor)
    await supervisor.run()


def _state(options: Options, home: Home) -> ControlState:
    advertised = advertise(home, load(AdvertisingSettings), SystemClock())
    listener = advertised.listener if advertised else None
    ports = nats_server.configure(home, options.mode, listener=listener)
    own = refer(os.getpid())
    assert own is not None, "this process has an entry"  # noqa: S101
    return ControlState(
        deployment=deployment_id(home),
        mode=options.mode,
        isolate=options.isolate,
        state="starting",
        supervisor=own,
        bus_url=f"nats://127.0.0.1:{ports.client}",
        monitor_url=f"http://127.0.0.1:{ports.monitor}",
        services=tuple(sorted(metadata.entry_points(group="spawn.services").names)),
        advertised=advertised.url if advertised else "",
        fingerprint=advertised.fingerprint if advertised else "",
    )


def _leaves(error: BaseException) -> Iterable[BaseException]:
    """Yield what went wrong, out of groups of groups."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
        yield from _leaves(inner)


def _message(error: BaseException) -> str:
    return str(error) if isinstance(error, Outcome) else repr(error)


if __name__ == "__main__":
    sys.exit(main())
