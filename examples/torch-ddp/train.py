"""Fits a line by gradient descent, the gradients averaged over all members after every step."""

import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

STEPS = 200
SAMPLES = 64


def main() -> None:
    """Train on this rank's own samples of one line, in step with all others."""
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(rank)
    inputs = torch.rand(SAMPLES, 1, device=device)
    wanted = 3 * inputs + 1
    model = DistributedDataParallel(torch.nn.Linear(1, 1).to(device))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs), wanted).backward()
        optimizer.step()
    slope, offset = (parameter.item() for parameter in model.parameters())
    name = os.environ["JOB_ARRAY_NAME"]
    print(f"{name} rank {rank} of {size}: y = {slope:.2f} x + {offset:.2f}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
