"""What a launch lets its machines do, as the command line sends it."""

from pathlib import Path

import pytest

from spawn.contracts.grants import Permissions
from tests.cli.conftest import Spawn
from tests.fakes.cli_launcher import FakeLauncher

POLICY = '{"Version":"2012-10-17","Statement":[]}'


def sent(launcher: FakeLauncher) -> Permissions:
    (launch,) = launcher.launches
    return launch.spec.permissions


async def test_the_flags_of_permissions_go_together(
    spawn: Spawn, launcher: FakeLauncher, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(POLICY.replace("[]", '[{"Effect":"Deny","Action":"*","Resource":"*"}]'))
    given = (
        *("--iam-policy", "s3:ReadWrite,dynamodb:WriteOnly"),
        *("--iam-policy", "logs:WriteOnly"),
        *("--iam-managed-policies", "A,B"),
        *("--iam-policy-file", str(file)),
    )
    assert await spawn("launch", "--name", "web", *given) == 0
    assert sent(launcher) == Permissions(
        policies=("s3:ReadWrite", "dynamodb:WriteOnly", "logs:WriteOnly"),
        managed=("A", "B"),
        documents=(file.read_text(),),
    )


async def test_a_spec_file_has_permissions_and_flags_win(
    spawn: Spawn, launcher: FakeLauncher, tmp_path: Path
) -> None:
    (tmp_path / "policy.json").write_text(
        POLICY.replace("[]", '{"Effect":"Deny","Action":"*","Resource":"*"}')
    )
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "permissions:\n"
        "  policies: s3:ReadOnly,logs:WriteOnly\n"
        "  managed: [A]\n"
        "  documents: ['@policy.json']\n"
    )
    assert await spawn("launch", "-f", str(spec), "--iam-managed-policies", "B") == 0
    assert sent(launcher) == Permissions(
        policies=("s3:ReadOnly", "logs:WriteOnly"),
        managed=("B",),
        documents=((tmp_path / "policy.json").read_text(),),
    )


async def test_what_is_wide_is_said_before_it_is_sent(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await spawn("launch", "--name", "web", "--iam-policy", "s3:FullAccess") == 0
    first, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("warning: s3:FullAccess: allows every action of s3; narrower: s3:")
    assert sent(launcher).policies == ("s3:FullAccess",)


async def test_actions_that_do_not_exist_are_said_and_are_no_matter_of_strict(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    statement = '{"Effect":"Allow","Action":"s3:GetObjekt","Resource":"arn:aws:s3:::b/*"}'
    file.write_text(POLICY.replace("[]", statement))
    assert await spawn("launch", "--name", "web", "--iam-policy-file", str(file), "--strict") == 0
    first, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("warning: policy file 1, Statement[0]: Unknown action s3:GetObjekt")


async def test_a_policy_file_may_begin_with_the_mark_of_its_encoding(
    spawn: Spawn, launcher: FakeLauncher, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    statement = '{"Effect":"Deny","Action":"*","Resource":"*"}'
    file.write_text(POLICY.replace("[]", statement), encoding="utf-8-sig")
    assert await spawn("launch", "--name", "web", "--iam-policy-file", str(file)) == 0
    assert sent(launcher).documents == (POLICY.replace("[]", statement),)


async def test_a_policy_file_that_is_too_large_is_called_that(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(POLICY.replace("[]", '"' + "x" * 20_000 + '"'))
    assert await spawn("launch", "--name", "web", "--iam-policy-file", str(file)) == 3
    assert "spawn: --iam-policy-file: the document has 20" in capsys.readouterr().err
    assert launcher.launches == []


async def test_strict_says_all_that_is_wide_at_once(
    spawn: Spawn, launcher: FakeLauncher, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--iam-policy", "s3:ReadOnly,sqs:ReadOnly", "--strict")
    assert await spawn("launch", "--name", "web", *given) == 3
    *warnings, end = capsys.readouterr().err.splitlines()
    assert [each.split(": ")[1] for each in warnings] == ["s3:ReadOnly", "sqs:ReadOnly"]
    assert "--strict: s3:ReadOnly: is not limited" in end
    assert launcher.launches == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--iam-policy", "s3:FullAccess", "--strict"), "--strict: s3:FullAccess: allows every"),
        (("--iam-policy", "s3:ReadOly"), "--iam-policy 's3:ReadOly': there is no level"),
        (("--iam-managed-policies", "a b"), "--iam-managed-policies 'a b': use the name"),
        (("--iam-policy-file", "@"), "--iam-policy-file"),
        (("--iam-policy", ""), "--iam-policy '': it is empty"),
        (
            ("--iam-policy", "s3:ReadOnly", "--iam-policy", " , "),
            "--iam-policy ' , ': it is empty",
        ),
        (("--iam-managed-policies", ""), "--iam-managed-policies '': it is empty"),
        (("--iam-role", " "), "--iam-role ' ': it is empty"),
    ],
    ids=[
        *("wide, and strict", "an unknown level", "no policy", "no file"),
        *("an empty item", "one empty item", "an empty name", "an empty role"),
    ],
)
async def test_what_can_not_be_granted_is_not_sent(
    spawn: Spawn,
    launcher: FakeLauncher,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, ...],
    said: str,
) -> None:
    assert await spawn("launch", "--name", "web", *given) in {2, 3}
    assert said in capsys.readouterr().err
    assert launcher.launches == []
