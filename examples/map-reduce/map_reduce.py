"""Word counts: each rank maps its share of the texts, rank 0 reduces what all have sent."""

import collections
import json
import os
import socket
import time
from pathlib import Path

TEXTS = [
    "one spot machine is one spot machine",
    "a lease ends and a machine goes away",
    "every rank knows its peers",
    "one array is one name and many machines",
    "a machine that goes away is one machine less",
    "peers wait for peers at the barrier",
]
PATIENCE_SECONDS = 30


def mapped(rank: int, size: int) -> collections.Counter[str]:
    """Count the words of this rank's texts."""
    return collections.Counter(word for text in TEXTS[rank::size] for word in text.split())


def send(counts: collections.Counter[str], address: tuple[str, int]) -> None:
    """Hand the counts to rank 0, which may not listen yet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            break
    with connection:
        connection.sendall(json.dumps(counts).encode())


def reduced(
    counts: collections.Counter[str], address: tuple[str, int], others: int
) -> collections.Counter[str]:
    """Add what the others send to our own."""
    with socket.create_server(address) as server:
        for _ in range(others):
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as sent:
                counts.update(json.loads(sent.read()))
    return counts


def main() -> None:
    """Map on every rank, reduce on rank 0."""
    rank, size = int(os.environ["SPAWN_RANK"]), int(os.environ["SPAWN_SIZE"])
    peers = json.loads(Path(os.environ["SPAWN_PEERS_FILE"]).read_text())
    address = (peers[0]["ip"], int(os.environ["MASTER_PORT"]))
    counts = mapped(rank, size)
    if rank:
        send(counts, address)
        return
    total = reduced(counts, address, size - 1)
    for word, count in sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))[:3]:
        print(f"{word} {count}")


if __name__ == "__main__":
    main()
