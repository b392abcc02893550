"""Rank 0 leads: it hands numbers to the workers over TCP and adds up their answers.

The peers file exists once every machine is there; only the leader's process may still be on its
way, so a worker dials until it listens.
"""

import json
import os
import socket
import time
from pathlib import Path

TASKS = range(100)
PATIENCE_SECONDS = 30


def peers() -> list[dict[str, str]]:
    """Return the peers, in order of their ranks."""
    return json.loads(Path(os.environ["SPAWN_PEERS_FILE"]).read_text())


def lead(size: int, port: int) -> int:
    """Give each worker its share of the tasks and return the sum of what they answer."""
    total = 0
    with socket.create_server((peers()[0]["ip"], port)) as server:
        for worker in range(size - 1):
            connection, _ = server.accept()
            with connection, connection.makefile("rw") as line:
                line.write(json.dumps(list(TASKS)[worker :: size - 1]) + "\n")
                line.flush()
                total += int(line.readline())
    return total


def dial(address: tuple[str, int]) -> socket.socket:
    """Connect to the leader as soon as it listens."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(address, timeout=PATIENCE_SECONDS)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def work(port: int) -> int:
    """Ask the leader for tasks and answer with the sum of their squares."""
    with dial((peers()[0]["ip"], port)) as connection, connection.makefile("rw") as line:
        done = sum(task * task for task in json.loads(line.readline()))
        line.write(f"{done}\n")
        line.flush()
    return done


def main() -> None:
    """Lead as rank 0, work as any other."""
    rank, size = int(os.environ["SPAWN_RANK"]), int(os.environ["SPAWN_SIZE"])
    port = int(os.environ["MASTER_PORT"])
    if rank == 0:
        print(f"the sum of {len(TASKS)} squares by {size - 1} workers is {lead(size, port)}")
    else:
        print(f"rank {rank} added {work(port)}")


if __name__ == "__main__":
    main()
