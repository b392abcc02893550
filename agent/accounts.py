"""Whose the job is: the login user of the image, and root for the boot script."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

USUAL = ("ec2-user", "ubuntu", "admin")
"""Login users of Amazon Linux, Ubuntu and Debian images
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html)."""

_FIRST_UID = 1000


class NoAccount(Exception):  # noqa: N818 - an answer
    """There is no such user on this machine."""


@dataclass(frozen=True)
class Account:
    """A user; `home` lies below the machine's root."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str


def login_account(root: Path, wanted: str) -> Account:
    """Return who runs the command; raises `NoAccount` when `wanted` isn't there.

    A root folder without users of its own has only one: who runs the agent.
    """
    passwd = root / "etc/passwd"
    if not passwd.exists():
        return own_account(root)
    users = [pwd.struct_passwd(_fields(line)) for line in _lines(passwd)]
    if wanted:
        found = [user for user in users if user.pw_name == wanted]
        if not found:
            raise NoAccount(f"--login-user {wanted}: there is no such user on this machine")
        return _account(root, found[0])
    usual = [user for name in USUAL for user in users if user.pw_name == name]
    first = [user for user in users if user.pw_uid == _FIRST_UID]
    chosen = (*usual, *first)
    return _account(root, chosen[0]) if chosen else own_account(root)


def peers_account(root: Path, wanted: str) -> Account:
    """Return whose keys the peers exchange: the login user, or the usual one if there is none."""
    try:
        return login_account(root, wanted)
    except NoAccount:
        return login_account(root, "")


def own_account(root: Path) -> Account:
    """Return who runs the agent."""
    uid = os.geteuid()
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        user = pwd.struct_passwd(
            (str(uid), "x", uid, os.getegid(), "", f"/home/{uid}", "/bin/bash")
        )
    return _account(root, user)


def _account(root: Path, user: pwd.struct_passwd) -> Account:
    more = {each.gr_gid for each in grp.getgrall() if user.pw_name in each.gr_mem}
    return Account(
        name=user.pw_name,
        uid=user.pw_uid,
        gid=user.pw_gid,
        groups=tuple(sorted({user.pw_gid} | more)),
        home=str(root / user.pw_dir.lstrip("/")),
        shell=user.pw_shell or "/bin/bash",
    )


def make_home(account: Account) -> None:
    """Make the user's home where there is none yet."""
    home = Path(account.home)
    if not home.exists():
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        if account.uid != os.geteuid():
            os.chown(home, account.uid, account.gid)


def give(folder: Path, account: Account) -> None:
    """Make a folder that is the user's own."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if account.uid != os.geteuid():
        os.chown(folder, account.uid, account.gid)


def _lines(passwd: Path) -> list[str]:
    usual_fields = 7
    lines = passwd.read_text(errors="replace").splitlines()
    return [line for line in lines if line.count(":") == usual_fields - 1]


def _fields(line: str) -> tuple[str, str, int, int, str, str, str]:
    name, password, uid, gid, gecos, home, shell = line.split(":")
    return name, password, int(uid), int(gid), gecos, home, shell
