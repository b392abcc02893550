"""What a launch may say of checkpoints; `spawn.contracts.checks` has all checks."""

import re

from spawn.contracts.checkpoints import (
    LARGEST_SCRIPT,
    LONGEST_TIMEOUT,
    OnInterruption,
    OnRebalance,
)
from spawn.contracts.durations import format_duration, parse_duration
from spawn.contracts.launches import LaunchSpec
from spawn.errors import Rejected

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_KEY = r"[A-Za-z0-9!_.'()/=@:&~-]{1,1000}"
"""What stands for itself in a policy, and in the short form of one."""

_OBJECT = re.compile(rf"s3://{_BUCKET}/{_KEY}(?<!/)")
_PREFIX = re.compile(rf"s3://{_BUCKET}(?:/{_KEY})?/?")
_PAGE = re.compile(r"https://[^\s/]+/\S*")
_LONGEST_SHOWN = 60


def check_checkpoint(spec: LaunchSpec) -> None:
    """Raise `Rejected` naming the first field of a checkpoint that is wrong."""
    if spec.checkpoint_script:
        _check_script(spec.checkpoint_script)
    else:
        _check_without_script(spec)
    if spec.checkpoint_timeout:
        _check_timeout(spec.checkpoint_timeout)
    if spec.checkpoint_uri and not _PREFIX.fullmatch(spec.checkpoint_uri):
        expected = "use a place such as s3://bucket/prefix"
        raise _wrong("checkpoint_uri", spec.checkpoint_uri, expected)


def _check_script(script: str) -> None:
    field = "checkpoint_script"
    if script.startswith("s3://") and not _OBJECT.fullmatch(script):
        raise _wrong(field, script, "use an object such as s3://bucket/save.sh")
    if script.startswith("https://") and not _PAGE.fullmatch(script):
        raise _wrong(field, "https://…", "use an address such as https://example.org/save.sh")
    if script.startswith("http://"):
        raise _wrong(field, "http://…", "use https://: what comes by http may be anybody's")
    size = len(script.encode(errors="surrogatepass"))
    if size > LARGEST_SCRIPT:
        raise _wrong(field, f"{size} bytes", f"use {LARGEST_SCRIPT} at most, or an s3:// address")
    if "\0" in script:
        raise Rejected(f"{field}: it can't hold a NUL character", field=field)


def _check_without_script(spec: LaunchSpec) -> None:
    needs = {
        "on_interruption": spec.on_interruption is OnInterruption.CHECKPOINT,
        "on_rebalance": spec.on_rebalance is OnRebalance.CHECKPOINT,
        "checkpoint_timeout": bool(spec.checkpoint_timeout),
        "checkpoint_strict": spec.checkpoint_strict,
    }
    for field, is_asked in needs.items():
        if is_asked:
            raise _wrong(
                field,
                str(getattr(spec, field)),
                "there is no script to run; name one by checkpoint_script",
            )


def _check_timeout(timeout: str) -> None:
    try:
        duration = parse_duration(timeout)
    except Rejected as error:
        raise Rejected(
            f"checkpoint_timeout: {error.message}", field="checkpoint_timeout"
        ) from error
    if duration > LONGEST_TIMEOUT:
        expected = f"use {format_duration(LONGEST_TIMEOUT)} at most"
        raise _wrong("checkpoint_timeout", timeout, expected)


def _wrong(field: str, value: str, expected: str) -> Rejected:
    shown = value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"
    return Rejected(f"{field}={shown!r}: {expected}", field=field)
