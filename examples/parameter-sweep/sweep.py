"""One point of a grid a rank: no member knows of another."""

import itertools
import os

RATES = (0.1, 0.01, 0.001)
DEPTHS = (2, 4)


def score(rate: float, depth: int) -> float:
    """Minimise a parabola by gradient descent and say how far from its floor it ends."""
    position = 1.0
    for _ in range(100 * depth):
        position -= rate * 2 * position
    return position * position


def main() -> None:
    """Compute the point that this rank stands for."""
    grid = list(itertools.product(RATES, DEPTHS))
    rank = int(os.environ["JOB_ARRAY_INDEX"])
    rate, depth = grid[rank % len(grid)]
    print(f"rate={rate} depth={depth} score={score(rate, depth):.6f}")


if __name__ == "__main__":
    main()
