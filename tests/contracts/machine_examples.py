"""One example of everything that machines ask, are told and report."""

import msgspec

from spawn.contracts.assignments import (
    Ask,
    Assignment,
    ExecRequest,
    ExecStarted,
    Peer,
    Peers,
    RosterRequest,
    Tell,
)
from spawn.contracts.grants import GrantRequest
from spawn.contracts.reports import (
    BootFailed,
    ExecOutput,
    Heartbeat,
    Hello,
    JobExited,
    JobStarted,
    Report,
)
from tests.contracts.nouns import ARRAY, FACTS, FIRST, JOB, LEASE, NOON, PERMISSIONS

QUESTIONS: dict[str, msgspec.Struct] = {
    "ask": Ask(generation=1, page=2),
    "answer.assignment": Assignment(
        array_id=ARRAY,
        name="training",
        rank=3,
        size=7,
        generation=1,
        lease=LEASE,
        job=JOB,
        master_port=29_500,
        peers_revision=9,
        may_start=False,
        ends=True,
        job_known=False,
        heard=False,
        stays=True,
    ),
    "answer.peers": Peers(
        revision=9,
        complete=True,
        size=1,
        peers=(
            Peer(
                index=3,
                instance_id=FIRST,
                ip="10.0.0.7",
                dns="training-3.example.org",
                generation=1,
                facts=FACTS,
            ),
        ),
        page=2,
        pages=4,
        edition="0123456789abcdef",
    ),
    "tell": Tell(
        what="exec",
        exec_id="0123456789abcdef",
        argv=("ls", "-l"),
        timeout_seconds=60,
        not_after=NOON,
        until=NOON,
        left_seconds=300,
    ),
    "request.roster": RosterRequest(array_id=ARRAY, page=2),
    "request.exec": ExecRequest(
        array_id=ARRAY, argv=("ls", "-l"), ranks=(0, 3), timeout_seconds=90
    ),
    "answer.exec": ExecStarted(exec_id="0123456789abcdef", ranks=(0, 3)),
    "request.ensure": GrantRequest(
        **msgspec.structs.asdict(PERMISSIONS),
        region="us-east-1",
        array_id=ARRAY,
        strict=True,
        again=True,
    ),
}

REPORTED: dict[str, Report] = {
    "hello": Hello(generation=1, at=NOON, boot_id="b-1", agent_version="0.1.0", facts=FACTS),
    "heartbeat": Heartbeat(
        generation=1,
        at=NOON,
        window_seconds=60.0,
        job_processes=3,
        ssh_sessions=1,
        cpu_share=0.25,
        network_rate=1024.0,
        disk_rate=2048.0,
        gpu_share=0.5,
        armed_lease=NOON,
    ),
    "job.started": JobStarted(generation=1, at=NOON, restart=1),
    "job.exited": JobExited(
        generation=1, at=NOON, exit_code=137, restarts=1, reason="over its time", tail="bye\n"
    ),
    "boot.failed": BootFailed(generation=1, at=NOON, step="boot script", reason="exited with 1"),
    "exec": ExecOutput(
        generation=1, at=NOON, rank=3, stream="stderr", data=b"\xff\n", exit_code=2
    ),
}
