"""The keeper as a process of its own, with short plans."""

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.accounts import own_account
from agent.journal import JobFolder
from agent.spool import SpoolReader
from tests.agent.machine import oldest_python

pytestmark = pytest.mark.door

INTERPRETERS = sorted({sys.executable, oldest_python()})


def stage(command: str, **more: Any) -> dict[str, Any]:
    own = own_account(Path("/"))
    usual = {
        "name": "command",
        "label": "command",
        "argv": ["/bin/bash", "-c", command],
        "env": {"PATH": os.defpath},
        "uid": own.uid,
        "gid": own.gid,
        "groups": list(own.groups),
        "cwd": "/",
        "retries": 0,
        "max_runtime": 0,
    }
    return {**usual, **more}


class Kept:
    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder = JobFolder(folder / "job", folder / "keeper.pyz")
        self.folder.path.mkdir()
        self._program = folder / "keeper.pyz"
        self._python = python
        self.folder.install()

    def run(self, *stages: dict[str, Any], spool_bytes: int = 1 << 20) -> dict[str, Any]:
        self.start(*stages, spool_bytes=spool_bytes)
        result = self.folder.result()
        assert result is not None
        return result

    def start(self, *stages: dict[str, Any], spool_bytes: int = 1 << 20) -> None:
        plan = {"spool_bytes": spool_bytes, "stages": stages}
        (self.folder.path / "plan.json").write_text(json.dumps(plan))
        program, folder = str(self._program), str(self.folder.path)
        subprocess.run([self._python, "-I", program, folder], check=True, timeout=60)

    @property
    def output(self) -> bytes:
        return SpoolReader(self.folder.path / "spool").read(0, 1 << 24)


@pytest.fixture(params=INTERPRETERS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    return Kept(tmp_path, request.param)


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        pytest.param("exit 0", 0, "", id="success"),
        pytest.param("exit 7", 7, "command: exit code 7", id="its own code"),
        pytest.param("kill -9 $$", 137, "command: ended by signal 9", id="128 and the signal"),
        pytest.param("kill -TERM $$", 143, "command: ended by signal 15", id="signals work"),
    ],
)
def test_how_a_command_ends(kept: Kept, command: str, code: int, reason: str) -> None:
    result = kept.run(stage(command))
    assert (result["exit_code"], result["reason"]) == (code, reason)


def test_both_streams_are_kept_in_order_and_open_by_name(kept: Kept) -> None:
    kept.run(stage("echo one; echo two >&2; echo three >/dev/stderr; echo four >/dev/stdout"))
    assert kept.output == b"one\ntwo\nthree\nfour\n"


def test_what_cant_be_started_says_why(kept: Kept) -> None:
    result = kept.run(stage("", argv=["/nowhere/program"]))
    assert result["exit_code"] == 127
    assert "/nowhere/program" in result["reason"]


def test_a_script_without_its_interpreter_is_not_said_to_be_missing(
    kept: Kept, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/nowhere/program\n")
    script.chmod(0o755)
    result = kept.run(stage("", argv=[str(script)]))
    assert (result["exit_code"], "its #! line" in result["reason"]) == (127, True)


def test_retries_run_it_again_and_count(kept: Kept) -> None:
    result = kept.run(stage("echo $SPAWN_RESTART_COUNT; [ $SPAWN_RESTART_COUNT = 2 ]", retries=5))
    assert (result["exit_code"], result["restarts"]) == (0, 2)
    assert kept.output == b"0\n1\n2\n"


def test_a_retry_ends_what_its_predecessor_has_left_running(kept: Kept) -> None:
    command = "if [ $SPAWN_RESTART_COUNT = 0 ]; then sleep 1000 & echo $!; exit 1; fi"
    kept.run(stage(command, retries=1))
    line = Path(f"/proc/{int(kept.output)}/cmdline")
    # Its parent may not have taken note of its end yet: a process without a command line.
    assert not line.exists() or line.read_bytes() == b""


def test_a_command_over_its_time_is_told_and_then_not_repeated(kept: Kept) -> None:
    command = "trap 'echo bye; exit 9' TERM; echo hi; while :; do read -t 0.1 <> <(:); done"
    result = kept.run(stage(command, max_runtime=1, retries=3))
    assert (result["exit_code"], result["restarts"]) == (9, 0)
    assert result["reason"] == "command: over its --max-runtime"
    assert kept.output == b"hi\nbye\n"


def test_a_failing_script_keeps_the_command_from_running(kept: Kept) -> None:
    result = kept.run(
        stage("exit 4", name="script", label="boot script"), stage("echo never", retries=3)
    )
    assert (result["exit_code"], result["reason"]) == (4, "boot script: exit code 4")
    assert kept.output == b""


def test_a_keeper_that_comes_back_does_not_repeat_what_is_done(kept: Kept) -> None:
    script = stage("echo script", name="script", label="boot script")
    kept.run(script, stage("echo once"))
    journal = kept.folder.path / "journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:2]) + lines[2][:9])
    kept.run(script, stage("echo twice"))
    assert kept.output == b"script\nonce\ntwice\n"


def test_an_attempt_that_the_machine_did_not_outlive_counts(kept: Kept) -> None:
    started = {"event": "started", "time": 0, "stage": "command", "attempt": 0}
    (kept.folder.path / "journal").write_text(json.dumps(started) + "\n")
    result = kept.run(stage("echo again", retries=1))
    assert (result["exit_code"], result["restarts"]) == (0, 1)


def test_output_that_has_no_room_is_left_out_and_said_to_be(kept: Kept) -> None:
    result = kept.run(stage("head -c 3000000 /dev/zero; echo; echo done"), spool_bytes=1_000_000)
    assert result["end"] == len(kept.output) <= 1_000_000 + 300
    note = rb"\n\[spawn: (\d+) bytes of output are left out here: the spool was full\]\n"
    left_out = sum(int(each) for each in re.findall(note, kept.output))
    assert left_out > 1_900_000
    assert len(re.sub(note, b"", kept.output)) + left_out == 3_000_006


def test_output_of_what_a_job_leaves_behind_still_comes(kept: Kept) -> None:
    fifo = kept.folder.path / "fifo"
    result = kept.run(stage(f"mkfifo {fifo}; (read line <{fifo}; echo late) & echo > {fifo}"))
    assert result["exit_code"] == 0
    assert kept.output == b"late\n"


def test_there_is_never_a_second_keeper(kept: Kept) -> None:
    lock = os.open(kept.folder.path / "keeper", os.O_RDWR | os.O_CREAT)
    assert not kept.folder.is_kept()
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert kept.folder.is_kept()
    kept.start(stage("echo never"))
    os.close(lock)
    assert (kept.output, kept.folder.events()) == (b"", [])
