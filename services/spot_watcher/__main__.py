"""Run the spot watcher alone."""

from services.spot_watcher.service import SERVICE
from spawn.runtime.run import run

if __name__ == "__main__":
    run(SERVICE)
