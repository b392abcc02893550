"""Run the launcher alone."""

from services.launcher.service import SERVICE
from spawn.runtime.run import run

if __name__ == "__main__":
    run(SERVICE)
