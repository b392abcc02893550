import os
from pathlib import Path

import pytest

from agent.accounts import NoAccount, login_account, own_account, peers_account

ROOT = "root:x:0:0:root:/root:/bin/bash\n"
UBUNTU = "ubuntu:x:1001:1001::/home/ubuntu:/bin/sh\n"
EC2_USER = "ec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n"
SOMEONE = "someone:x:1000:1000::/home/someone:/bin/zsh\n"


def a_root(folder: Path, *lines: str) -> Path:
    (folder / "etc").mkdir()
    (folder / "etc/passwd").write_text("".join(lines) + "torn:line\n")
    return folder


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        pytest.param((ROOT, UBUNTU, EC2_USER), "ec2-user", id="Amazon's first"),
        pytest.param((ROOT, SOMEONE, UBUNTU), "ubuntu", id="a usual name before a number"),
        pytest.param((ROOT, SOMEONE), "someone", id="else who has uid 1000"),
    ],
)
def test_the_usual_login_user(tmp_path: Path, lines: tuple[str, ...], name: str) -> None:
    root = a_root(tmp_path, *lines)
    account = login_account(root, "")
    assert account.name == name
    assert account.home == f"{tmp_path}/home/{name}"


def test_a_wanted_user_is_taken_or_missed_by_name(tmp_path: Path) -> None:
    root = a_root(tmp_path, ROOT, UBUNTU, EC2_USER)
    assert login_account(root, "ubuntu").uid == 1001
    with pytest.raises(NoAccount, match="--login-user nobody-here"):
        login_account(root, "nobody-here")
    assert peers_account(root, "nobody-here").name == "ec2-user"


def test_a_root_without_users_has_only_who_runs_the_agent(tmp_path: Path) -> None:
    account = login_account(tmp_path, "ubuntu")
    assert account == own_account(tmp_path)
    assert account.uid == os.geteuid()
    assert account.home.startswith(f"{tmp_path}/")
