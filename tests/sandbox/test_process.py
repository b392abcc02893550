import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.sandbox import ROOT, RunningSandbox, running_sandbox
from tests.sandbox.launches import image

pytestmark = pytest.mark.door

AWS = shutil.which("aws")


def test_the_announcement_is_whole_private_and_withdrawn(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    file.write_text("left by a sandbox that was killed")
    with running_sandbox(tmp_path) as sandbox:
        said = json.loads(file.read_text())
        assert set(said) == {
            "pid",
            "endpoint",
            "region",
            "access_key_id",
            "secret_access_key",
            "admin_token",
            "metrics_url",
            "dns_port",
            "dns_zone_id",
            "dns_base",
        }
        assert said["pid"] == sandbox.pid
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            "hosts",
            "sandbox.json",
            "sandbox.log",
            "scenario.json",
        ]
    assert not file.exists()


def test_sigterm_ends_it_while_calls_wait(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sandbox.admin.post("fault", {"service": "sqs", "api": "ListQueues", "kind": "hang"})
        script = (
            "import boto3, sys;"
            f"c = boto3.client('sqs', endpoint_url='{sandbox.endpoint}');"
            "c.list_queues()"
        )
        environment = {**os.environ, **sandbox.environment()}  # noqa: TID251  for a child
        child = subprocess.Popen(
            [sys.executable, "-c", script],
            env={**environment, "AWS_MAX_ATTEMPTS": "1"},
            stderr=subprocess.PIPE,
        )
        while sandbox.admin.state()["faults"]:
            assert child.poll() is None
        os.kill(sandbox.pid, signal.SIGTERM)
        _, errors = child.communicate(timeout=20)
        assert b"ConnectionClosedError" in errors or b"EndpointConnectionError" in errors


def test_a_wrong_scenario_is_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("lifecycle: {pending: soon}")
    command = [sys.executable, "-m", "sandbox", "--state", str(tmp_path), "--scenario", str(file)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert str(file) in ended.stderr
    assert "$.lifecycle.pending" in ended.stderr
    assert "Traceback" not in ended.stderr


def aws(sandbox: RunningSandbox, *words: str) -> str:
    command = [str(AWS), *words, "--output", "json"]
    environment = {"PATH": os.environ["PATH"], **sandbox.environment()}  # noqa: TID251  for a child
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout


@pytest.mark.e2e
@pytest.mark.skipif(AWS is None, reason="the AWS CLI is not installed")
def test_the_aws_cli_launches_and_lists(quick: RunningSandbox) -> None:
    words = ("ec2", "run-instances", "--image-id", image(quick), "--instance-type", "t3.micro")
    made = json.loads(aws(quick, *words, "--count", "2"))
    names = [one["InstanceId"] for one in made["Instances"]]
    aws(quick, "ec2", "wait", "instance-running", "--instance-ids", *names)
    seen = json.loads(aws(quick, "ec2", "describe-instances", "--instance-ids", *names))
    assert len(seen["Reservations"][0]["Instances"]) == 2
