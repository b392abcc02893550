"""Run the DNS service alone."""

from services.dns.service import SERVICE
from spawn.runtime.run import run

if __name__ == "__main__":
    run(SERVICE)
