"""The environment of the job: what it is in its array, under our names and others'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.accounts import Account
from agent.orders import Assignment, Peer
from agent.places import Places

LONGEST_VALUE = 128 * 1024 - 1
"""Bytes of `NAME=value`: Linux takes no longer string (MAX_ARG_STRLEN,
https://man7.org/linux/man-pages/man2/execve.2.html)."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unusable(Exception):  # noqa: N818 - a property of the variable
    """A variable can't be handed to a process; the text names it."""


@dataclass(frozen=True)
class Member:
    """This machine and its peers, as far as variables tell of them."""

    assignment: Assignment
    peers: Sequence[Peer]
    places: Places


def array_variables(member: Member) -> dict[str, str]:
    """Return what a machine knows of its array, without the user's own variables."""
    assignment, places = member.assignment, member.places
    rank, size = str(assignment.rank), str(assignment.size)
    ours = {
        "JOB_ARRAY_ID": assignment.array_id,
        "JOB_ARRAY_NAME": assignment.name,
        "JOB_ARRAY_SIZE": size,
        "JOB_ARRAY_INDEX": rank,
        "SPAWN_RANK": rank,
        "SPAWN_SIZE": size,
        "SPAWN_GENERATION": str(assignment.generation),
        "SPAWN_PEERS_FILE": str(places.peers_file),
        "SPAWN_HOSTFILE": str(places.hostfile),
        "SPAWN_DEADLINE": assignment.lease,
        "SPAWN_NOTICES_FILE": str(places.notices_file),
        "SPAWN_CHECKPOINT_DIR": str(places.checkpoint),
        "MASTER_PORT": str(assignment.master_port),
    }
    if assignment.job.checkpoint.uri:
        # Without the generation: a successor finds there what was saved before it.
        place = f"{assignment.job.checkpoint.uri}/{assignment.array_id}/{rank}/"
        ours["SPAWN_CHECKPOINT_URI"] = place
    first = _first(member.peers)
    if first is not None:
        ours["MASTER_ADDR"] = first.host
    for style in assignment.job.env_compat:
        ours.update(_OTHERS[style](member) if style in _OTHERS else {})
    return ours


def job_variables(
    member: Member, account: Account, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return a process's whole environment; raises `Unusable` for what execve would refuse."""
    own = {
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.shell,
    }
    chosen = member.assignment.job.environment
    environment = {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        **inherited,
        **own,
        **array_variables(member),
        "SPAWN_RESTART_COUNT": "0",
        **chosen,
    }
    for name, value in chosen.items():
        _check(name, value)
    return environment


def _check(name: str, value: str) -> None:
    if not name or "=" in name or "\0" in name + value:
        raise Unusable(f"{name[:80]!r} can't be an environment variable")
    size = len(f"{name}={value}".encode())
    if size > LONGEST_VALUE:
        raise Unusable(f"{name[:80]} has {size} bytes; Linux takes {LONGEST_VALUE} a variable")


def _first(peers: Sequence[Peer]) -> Peer | None:
    return min(peers, key=lambda each: each.index, default=None)


def _slurm(member: Member) -> dict[str, str]:
    """Names of srun (https://slurm.schedmd.com/srun.html): a task a node."""
    rank, size = str(member.assignment.rank), str(member.assignment.size)
    nodes = ",".join(each.host for each in sorted(member.peers, key=lambda each: each.index))
    return {
        "SLURM_JOB_ID": member.assignment.array_id,
        "SLURM_JOB_NAME": member.assignment.name,
        "SLURM_NNODES": size,
        "SLURM_JOB_NUM_NODES": size,
        "SLURM_NODEID": rank,
        "SLURM_NTASKS": size,
        "SLURM_PROCID": rank,
        "SLURM_LOCALID": "0",
        "SLURM_JOB_NODELIST": nodes,
        "SLURM_NODELIST": nodes,
        "SLURM_ARRAY_JOB_ID": member.assignment.array_id,
        "SLURM_ARRAY_TASK_ID": rank,
        "SLURM_ARRAY_TASK_COUNT": size,
        "SLURM_ARRAY_TASK_MIN": "0",
        "SLURM_ARRAY_TASK_MAX": str(member.assignment.size - 1),
    }


def _batch(member: Member) -> dict[str, str]:
    """Return AWS Batch's names.

    https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
    """
    rank, size = str(member.assignment.rank), str(member.assignment.size)
    names = {
        "AWS_BATCH_JOB_ID": f"{member.assignment.array_id}:{rank}",
        "AWS_BATCH_JOB_ARRAY_INDEX": rank,
        "AWS_BATCH_JOB_ARRAY_SIZE": size,
        "AWS_BATCH_JOB_NODE_INDEX": rank,
        "AWS_BATCH_JOB_NUM_NODES": size,
        "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
    }
    first = _first(member.peers)
    if first is not None:
        names["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = first.ip
    return names


def _torch(member: Member) -> dict[str, str]:
    """Names of torch.distributed (https://docs.pytorch.org/docs/stable/elastic/run.html)."""
    rank, size = str(member.assignment.rank), str(member.assignment.size)
    return {
        "RANK": rank,
        "WORLD_SIZE": size,
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": "1",
        "GROUP_RANK": rank,
        "NODE_RANK": rank,
        "NNODES": size,
    }


_OTHERS = {"slurm": _slurm, "batch": _batch, "torch": _torch}
