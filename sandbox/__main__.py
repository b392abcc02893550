"""`python -m sandbox --state DIR [--host H] [--port P] [--scenario FILE] [--machines MODE]`."""

import argparse
import sys
from pathlib import Path
from typing import get_args

import msgspec
import uvloop

from sandbox.app import Options, run
from sandbox.behaviour import MachineMode, Scenario, load_scenario
from spawn.telemetry import log

_USAGE = 2


def main() -> int:
    """Run the laptop cloud until it is told to end; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The laptop cloud.")
    parser.add_argument("--state", type=Path, required=True, help="folder of sandbox.json")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port, 0 for a free one")
    parser.add_argument("--scenario", type=Path, help="YAML or JSON file of behaviours")
    parser.add_argument(
        "--machines", choices=get_args(MachineMode), help="what runs behind instances"
    )
    given = parser.parse_args()
    log.configure("sandbox")
    try:
        scenario = load_scenario(given.scenario) if given.scenario else Scenario()
    except (OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"scenario {given.scenario}: {error}\n")
        return _USAGE
    uvloop.run(run(Options(given.state, given.host, given.port, scenario, given.machines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
