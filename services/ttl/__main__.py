"""Run the TTL service alone."""

from services.ttl.service import SERVICE
from spawn.runtime.run import run

if __name__ == "__main__":
    run(SERVICE)
