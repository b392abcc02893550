"""Run the IAM broker alone."""

from services.iam_broker.service import SERVICE
from spawn.runtime.run import run

if __name__ == "__main__":
    run(SERVICE)
