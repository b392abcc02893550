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
from spawn.contracts.checkpoints import CheckpointAsked, CheckpointCause, CheckpointRequest
from spawn.contracts.grants import GrantRequest
from spawn.contracts.notices import (
    NoticeAction,
    NoticeKind,
    NoticeSource,
    Setup,
    SetupRequest,
    Told,
    Watch,
    Watched,
)
from spawn.contracts.reports import (
    BootFailed,
    CheckpointBegun,
    CheckpointDone,
    CheckpointLost,
    CheckpointUnready,
    ExecOutput,
    Heartbeat,
    Hello,
    JobExited,
    JobStarted,
    NoticeSeen,
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
        notice=Told(
            instance_id=FIRST,
            rank=3,
            generation=1,
            kind=NoticeKind.INTERRUPTION,
            action=NoticeAction.TERMINATE,
            dies_at=NOON,
        ),
        request_id="0123456789abcdef",
    ),
    "request.setup": SetupRequest(region="us-east-1"),
    "answer.setup": Setup(
        region="us-east-1",
        queue="https://sqs.us-east-1.amazonaws.com/123456789012/spawn-default-notices",
        rules=("spawn-default-notices-interruption",),
        made=("spawn-default-notices",),
    ),
    "answer.watch": Watched(
        regions=(Watch(region="us-east-1", queue="", is_read=False, reason="not set up"),)
    ),
    "request.roster": RosterRequest(array_id=ARRAY, page=2),
    "request.exec": ExecRequest(
        array_id=ARRAY, argv=("ls", "-l"), ranks=(0, 3), timeout_seconds=90
    ),
    "answer.exec": ExecStarted(exec_id="0123456789abcdef", ranks=(0, 3)),
    "request.checkpoint": CheckpointRequest(array_id=ARRAY, ranks=(0, 3)),
    "answer.checkpoint": CheckpointAsked(request_id="0123456789abcdef", ranks=(0, 3)),
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
        generation=1,
        at=NOON,
        exit_code=137,
        restarts=1,
        reason="over its time",
        tail="bye\n",
        interrupted=True,
    ),
    "boot.failed": BootFailed(generation=1, at=NOON, step="boot script", reason="exited with 1"),
    "notice": NoticeSeen(
        generation=1,
        at=NOON,
        kind=NoticeKind.INTERRUPTION,
        action=NoticeAction.TERMINATE,
        dies_at=NOON,
        source=NoticeSource.EVENTS,
    ),
    "checkpoint.warned": CheckpointUnready(
        generation=1, at=NOON, reason="s3://my-bucket/save.sh: 404"
    ),
    "checkpoint.started": CheckpointBegun(
        generation=1,
        at=NOON,
        sha256="a" * 64,
        until=NOON,
        cause=CheckpointCause.REBALANCE,
        request_id="request-3",
    ),
    "checkpoint.finished": CheckpointDone(
        generation=1,
        at=NOON,
        seconds=41.5,
        tail="saved\n",
        cause=CheckpointCause.REQUEST,
        request_id="0123456789abcdef",
    ),
    "checkpoint.failed": CheckpointLost(
        generation=1,
        at=NOON,
        seconds=2.5,
        reason="exit code 1",
        exit_code=1,
        tail="no\n",
        cause=CheckpointCause.REQUEST,
        request_id="0123456789abcdef",
    ),
    "exec": ExecOutput(
        generation=1, at=NOON, rank=3, stream="stderr", data=b"\xff\n", exit_code=2
    ),
}
