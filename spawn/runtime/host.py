"""`python -m spawn.runtime.host launcher [more…]`: host services by name.

The kernel knows no service: it finds them through the entry points `spawn.services`.
"""

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from spawn.runtime.run import MISUSED, run
from spawn.runtime.service import AnyService, Service

GROUP = "spawn.services"


def main(arguments: list[str]) -> int:
    """Host the services named; return the exit code, 2 when a name is unknown."""
    known = {point.name: point for point in entry_points(group=GROUP)}
    unknown = [name for name in arguments if name not in known]
    if unknown or not arguments:
        what = f"unknown service {', '.join(unknown)}" if unknown else "name a service to host"
        sys.stderr.write(f"{what}; there are: {', '.join(sorted(known))}\n")
        return MISUSED
    return run(*(_load(known[name]) for name in dict.fromkeys(arguments)))


def _load(point: EntryPoint) -> AnyService:
    loaded: Any = point.load()
    if not isinstance(loaded, Service):
        raise TypeError(f"{point.value} is no Service")
    return cast("AnyService", loaded)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
