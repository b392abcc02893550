"""What the doctor makes of what it saw."""

from datetime import timedelta

import pytest

from spawn.runtime.doctor import judge
from spawn.runtime.doctor.findings import Finding
from spawn.runtime.home import ChildState
from spawn.runtime.processes import ProcessRef

CHILD = ChildState(name="services", process=ProcessRef(7, "x"), restarts=2, last_exit="SIGKILL")


@pytest.mark.parametrize(
    ("finding", "ok", "said"),
    [
        (judge.judge_streams(["A", "B"], ["A"]), True, "all 1"),
        (judge.judge_streams(["A"], ["A", "B", "C"]), False, "B, C"),
        (judge.judge_version("2.15.1", "2.15.1"), True, "2.15.1"),
        (judge.judge_version("2.14.0", "2.15.1"), False, "2.14.0 runs, 2.15.1"),
        (judge.judge_version("", "2.15.1"), False, "unknown"),
        (judge.judge_disk(2 * 1024**3, "/s"), True, "2.0 GiB"),
        (judge.judge_disk(1024**3 - 1, "/s"), False, "/s"),
        (judge.judge_skew(timedelta(seconds=5), "sts"), True, "+5 s against sts"),
        (judge.judge_skew(timedelta(seconds=-6), "sts"), False, "-6 s"),
        (judge.judge_process(CHILD, ready=True, why=""), True, "2 times, last after SIGKILL"),
        (judge.judge_process(CHILD, ready=False, why="bus: away"), False, "pid 7: bus: away"),
    ],
)
def test_findings(finding: Finding, ok: bool, said: str) -> None:
    assert finding.ok is ok
    assert said in finding.detail
    assert ok or finding.hint or "unknown" in finding.detail


@pytest.mark.parametrize(
    ("env", "files", "well"),
    [
        ({}, [], (False, False)),
        ({"AWS_REGION": "eu-west-1"}, [], (True, False)),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_PROFILE": "p"}, [], (True, True)),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, ["configuration file"], (True, True)),
        ({}, ["credentials file"], (False, True)),
        ({}, ["instance role"], (False, True)),
    ],
)
def test_region_and_credentials(
    env: dict[str, str], files: list[str], well: tuple[bool, bool]
) -> None:
    findings = judge.judge_aws(env, files)
    assert tuple(finding.ok for finding in findings) == well
    assert all(finding.ok or finding.hint for finding in findings)
    assert not any("AKIA" in finding.detail for finding in findings)
