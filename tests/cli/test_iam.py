"""`spawn iam` without a control plane: all of the language is on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from spawn.permissions.templates import services
from tests.cli.conftest import Spawn

Captured = pytest.CaptureFixture[str]

WIDE: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObjekt", "s3:PutObject"], "Resource": "*"}
    ],
}


async def test_templates_list_every_service(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("iam", "templates") == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["SERVICE", "LEVELS", "RESOURCES"]
    assert [row.split()[0] for row in rows] == list(services())


async def test_templates_of_a_service_show_what_levels_allow(
    spawn: Spawn, capsys: Captured
) -> None:
    assert await spawn("iam", "templates", "SQS") == 0
    said = capsys.readouterr()
    assert "DeleteMessage" in said.out
    assert "arn:aws:sqs:REGION:ACCOUNT:QUEUE" in said.out
    assert "needs ReadWrite" in said.err


async def test_templates_as_json(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("iam", "templates", "s3", "--json") == 0
    assert "ReadOnly" in json.loads(capsys.readouterr().out)["s3"]["words"]


async def test_templates_of_an_unknown_service(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("iam", "templates", "s4") == 2
    assert "SERVICE 's4': use one of s3, dynamodb" in capsys.readouterr().err


async def test_show_writes_the_document_and_what_it_means(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("iam", "show", "sqs:WriteOnly:jobs") == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    (statement,) = document["Statement"]
    assert statement["Resource"] == "arn:aws:sqs:REGION:ACCOUNT:jobs"
    assert "may: sqs: sends messages of queue jobs" in said.err
    size = len(json.dumps(document, separators=(",", ":")))
    assert f"size: {size} of 10240 characters" in said.err
    assert "REGION stands for yours: name it with --region" in said.err


async def test_show_completes_arns_with_what_is_named(spawn: Spawn, capsys: Captured) -> None:
    arguments = ("--region", "eu-west-1", "--account", "111122223333", "--json")
    assert await spawn("iam", "show", "sqs:WriteOnly:jobs", *arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert "arn:aws:sqs:eu-west-1:111122223333:jobs" in said["document"]
    assert said["size"] == len(said["document"])


async def test_show_takes_managed_policies_and_files(
    spawn: Spawn, capsys: Captured, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(WIDE))
    given = ("--iam-policy-file", str(path), "--iam-managed-policies", "AmazonS3ReadOnlyAccess")
    assert await spawn("iam", "show", *given) == 0
    said = capsys.readouterr()
    assert "s3:PutObject" in said.out
    assert "managed: arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess" in said.err
    assert "warning: policy file 1, Statement[0]: is not limited" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["show", "s3:ReadOnyl"], 3, "SPEC 's3:ReadOnyl': there is no", id="level"),
        pytest.param(["lint", "s3:Read"], 3, "SPEC 's3:Read': there is no level", id="lint"),
        pytest.param(
            ["show", "--iam-managed-policies", "a!"],
            3,
            "--iam-managed-policies 'a!'",
            id="managed",
        ),
        pytest.param(
            ["show", "s3:ReadOnly", "--account", "12"],
            2,
            "--account '12': use the 12",
            id="account",
        ),
        pytest.param(["lint", "/nowhere.json"], 2, "/nowhere.json: No such file", id="no file"),
        pytest.param(["list"], 5, "spawn up", id="list without a control plane"),
        pytest.param(["gc", "--yes"], 5, "spawn up", id="gc without a control plane"),
    ],
)
async def test_what_is_wrong_is_named(
    spawn: Spawn, capsys: Captured, arguments: list[str], code: int, message: str
) -> None:
    assert await spawn("iam", *arguments) == code
    assert message in capsys.readouterr().err


async def test_lint_says_what_to_write_instead(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("iam", "lint", "s3:FullAccess:b") == 0
    assert "narrower: s3:ReadWrite:b" in capsys.readouterr().out
    assert await spawn("iam", "lint", "s3:FullAccess:b", "--strict") == 3
    assert await spawn("iam", "lint", "s3:WriteOnly:b", "--strict") == 0


async def test_lint_of_what_is_narrow(spawn: Spawn, capsys: Captured) -> None:
    assert await spawn("iam", "lint", "s3:ReadOnly:b", "--strict") == 0
    assert capsys.readouterr() == ("", "nothing to say\n")


async def test_lint_reads_a_file(spawn: Spawn, capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(WIDE))
    assert await spawn("iam", "lint", str(path), "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["code"] for each in found} == {"RESOURCE_STAR", "UNKNOWN_ACTION"}
    assert all(each["where"].startswith(str(path)) for each in found)


async def test_lint_names_file_and_element(spawn: Spawn, capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**WIDE, "Version": "2008-10-17"}))
    assert await spawn("iam", "lint", str(path)) == 3
    assert f"{path}: Version='2008-10-17': write \"Version\"" in capsys.readouterr().err
