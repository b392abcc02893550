"""Judging what was seen: values in, findings out."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from spawn.runtime.doctor.findings import Finding
from spawn.runtime.home import ChildState

LEAST_FREE_BYTES = 1024**3
LARGEST_SKEW = timedelta(seconds=5)
"""Leases end machines by wall clock, and are armed with 15 s to spare."""

_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


CREDENTIAL_FILES = {
    "credentials file": "~/.aws/credentials",
    "instance role": "/sys/hypervisor/uuid",
}
"""Files whose presence says where credentials come from; the second is EC2's own
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html)."""

CONFIG_FILES = {"configuration file": "~/.aws/config"}


def judge_streams(found: Collection[str], wanted: Collection[str]) -> Finding:
    """Say whether every stream and bucket is there."""
    missing = sorted(set(wanted) - set(found))
    if missing:
        return Finding(
            "streams",
            ok=False,
            detail=f"missing: {', '.join(missing)}",
            hint="services make them when they start: see the logs of the services",
        )
    return Finding("streams", ok=True, detail=f"all {len(set(wanted))} are there")


def judge_version(running: str, installed: str) -> Finding:
    """Say whether the nats-server that runs is the one that is installed."""
    if not running or running == installed:
        return Finding("nats-server", ok=bool(running), detail=running or "version unknown")
    return Finding(
        "nats-server",
        ok=False,
        detail=f"{running} runs, {installed or 'none'} is installed",
        hint="run `spawn down` and `spawn up` to use the installed one",
    )


def judge_process(child: ChildState, *, ready: bool, why: str) -> Finding:
    """Say whether a process does its work, and how often it had to be started again."""
    history = ""
    if child.restarts:
        history = f", started again {child.restarts} times, last after {child.last_exit}"
    detail = f"pid {child.process.pid}: {'ready' if ready else why}{history}"
    hint = "" if ready else "see its log; it is started again when it ends"
    return Finding(child.name, ok=ready, detail=detail, hint=hint)


def judge_disk(free: int, where: str) -> Finding:
    """Say whether streams have room to grow; `free` in bytes."""
    if free < LEAST_FREE_BYTES:
        return Finding(
            "disk",
            ok=False,
            detail=f"{free / 1024**3:.1f} GiB free at {where}",
            hint=f"free at least {LEAST_FREE_BYTES / 1024**3:.0f} GiB, or move SPAWN_HOME",
        )
    return Finding("disk", ok=True, detail=f"{free / 1024**3:.1f} GiB free at {where}")


def judge_skew(skew: timedelta, against: str) -> Finding:
    """Say whether this machine's clock agrees with the cloud's."""
    seconds = skew.total_seconds()
    detail = f"{seconds:+.0f} s against {against}"
    if abs(skew) > LARGEST_SKEW:
        return Finding(
            "clock", ok=False, detail=detail, hint="synchronise this machine's clock (NTP)"
        )
    return Finding("clock", ok=True, detail=detail)


def judge_aws(env: Mapping[str, str], files: Collection[str]) -> tuple[Finding, Finding]:
    """Say whether a region and credentials are configured; `files` are those that exist."""
    region = next((env[name] for name in _REGION if env.get(name)), "")
    named = region or next((name for name in CONFIG_FILES if name in files), "")
    source = next((name for name in _CREDENTIALS if env.get(name)), "")
    source = source or next((name for name in CREDENTIAL_FILES if name in files), "")
    return (
        Finding(
            "region",
            ok=bool(named),
            detail=named or "none is configured",
            hint="" if named else "set AWS_REGION before `spawn up`, or give --region to launch",
        ),
        Finding(
            "credentials",
            ok=bool(source),
            detail=source or "none are configured",
            hint="" if source else "run `aws configure`, or set AWS_PROFILE, before `spawn up`",
        ),
    )
