"""Every process integrates its slices of a circle; process 0 prints their sum."""

import os

from mpi4py import MPI

SLICES = 1_000_000


def main() -> None:
    """Approximate pi together."""
    world = MPI.COMM_WORLD
    width = 1.0 / SLICES
    mine = range(world.rank, SLICES, world.size)
    area = sum(4.0 / (1.0 + (width * (slice_ + 0.5)) ** 2) for slice_ in mine) * width
    total = world.reduce(area)
    members = world.gather(int(os.environ["JOB_ARRAY_INDEX"]))
    if world.rank == 0:
        print(f"pi is about {total:.9f}, by {world.size} processes on members {members}")


if __name__ == "__main__":
    main()
