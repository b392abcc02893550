"""The ssh server of one machine: Debian's openssh-server, run by the user whose the machine is.

It listens on the machine's own address, lets peers in by keys alone, and gives each a shell inside
of the machine. Without the program a machine has none. The port is not 22, which needs a right
that users lack, but the same for all machines of a sandbox; `ssh` inside of them knows it.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from zlib import crc32

from sandbox.machines.folder import Folder

UNIT = "ssh.service"
_UNPACKED = Path(sys.prefix) / "debian"
"""Where `scripts/debian` unpacks what the host doesn't have."""

_PRIVSEP = Path("/run/sshd")
"""Debian's server wants this folder, and a user `sshd`, when it is run by root."""

_FIRST_PORT, _MANY_PORTS = 10_000, 10_000
"""Below every array's MASTER_PORT."""


def prepare(folder: Folder, address: str) -> str:
    """Make what the server and `ssh` need; return why there is no server, else nothing."""
    reason = why_none()
    if reason:
        return reason
    own = folder.path / "ssh"
    own.mkdir(exist_ok=True)
    port = _FIRST_PORT + crc32(str(folder.path.parent).encode()) % _MANY_PORTS
    _make_host_key(_host_key(folder))
    _write(own / "config", _configuration(folder, address, port))
    _write(own / "session", _session(folder), mode=0o755)
    _write(own / "passwd", _passwd(folder))
    _write(own / "run", _server_script(own, find_server() or Path()), mode=0o755)
    _write(folder.shims / "ssh", _client_script(shutil.which("ssh") or ""), mode=0o755)
    _write_client_configuration(folder, port)
    _enable(folder, own / "run")
    return ""


def why_none() -> str:
    """Return why this host's machines have no ssh server; nothing when they have."""
    if find_server() is None:
        return "no ssh server: there is no openssh-server here"
    missing = [each for each in ("ssh", "ssh-keygen") if shutil.which(each) is None]
    if missing:
        return f"no ssh server: {missing[0]} is missing"
    if _needs_namespace() and not _may_unshare():
        return "no ssh server: root has no user sshd, and may make no mount namespace here"
    return ""


def find_server() -> Path | None:
    """Return the server's program, of this host or unpacked beside the tools."""
    installed = shutil.which("sshd", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
    found = Path(installed) if installed else _UNPACKED / "usr/sbin/sshd"
    return found if found.is_file() else None


def _host_key(folder: Folder) -> Path:
    return folder.root / "etc/ssh/ssh_host_ed25519_key"


def _make_host_key(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "machine", "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)  # noqa: S603  fixed words


def _configuration(folder: Folder, address: str, port: int) -> str:
    return (
        f"ListenAddress {address}:{port}\n"
        f"HostKey {_host_key(folder)}\n"
        f"AuthorizedKeysFile {folder.home}/.ssh/authorized_keys\n"
        f"ForceCommand {folder.path}/ssh/session\n"
        "PasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
        "PidFile none\n"
        # The sandbox's folder lies where its owner put it, often below /tmp.
        "StrictModes no\n"
        "UsePAM no\n"
        "UseDNS no\n"
        "MaxStartups 100\n"
    )


def _session(folder: Folder) -> str:
    enter = shlex.quote(str(folder.enter))
    return (
        "#!/bin/bash\n# What a peer runs, inside this machine.\n"
        f'[ -z "${{SSH_ORIGINAL_COMMAND-}}" ] && exec {enter}\n'
        f'exec {enter} bash -c "$SSH_ORIGINAL_COMMAND"\n'
    )


def _passwd(folder: Folder) -> str:
    """Return the host's users and, where it lacks it, the one that the server gives rights to."""
    users = Path("/etc/passwd").read_text()
    if any(line.startswith("sshd:") for line in users.splitlines()):
        return users
    return f"{users}sshd:x:65533:65534::{folder.root}/run/sshd:/usr/sbin/nologin\n"


def _server_script(own: Path, server: Path) -> str:
    """Return what starts the server.

    Run by root, it is given the folder and the user that it wants in a mount namespace of its
    own: the host stays as it is.
    """
    start = f"exec {shlex.quote(str(server))} -D -e -f {shlex.quote(str(own / 'config'))}"
    libraries = ":".join(str(path) for path in (_UNPACKED / "usr/lib").glob("*-linux-*"))
    lines = ["#!/bin/bash"]
    if libraries:
        lines.append(f"export LD_LIBRARY_PATH={shlex.quote(libraries)}")
    if not _needs_namespace():
        return "\n".join([*lines, start, ""])
    passwd = shlex.quote(str(own / "passwd"))
    inside = (
        f"mount --bind {passwd} /etc/passwd && mount -t tmpfs tmpfs /run &&"
        f" mkdir {_PRIVSEP} && {start}"
    )
    return "\n".join([*lines, f"exec unshare --mount bash -c {shlex.quote(inside)}", ""])


def _needs_namespace() -> bool:
    knows_sshd = "\nsshd:" in Path("/etc/passwd").read_text()
    return os.getuid() == 0 and not (_PRIVSEP.is_dir() and knows_sshd)


def _may_unshare() -> bool:
    words = ["unshare", "--mount", "true"]
    done = subprocess.run(words, check=False, stderr=subprocess.DEVNULL)  # noqa: S603  fixed words
    return done.returncode == 0


def _client_script(client: str) -> str:
    # It would look for its files in the home that the host's user has.
    return f'#!/bin/bash\nexec {shlex.quote(client)} -F "$HOME/.ssh/config" "$@"\n'


def _write_client_configuration(folder: Folder, port: int) -> None:
    path = folder.home / ".ssh/config"
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write(path, f"Host *\n    Port {port}\n", mode=0o600)


def _enable(folder: Folder, program: Path) -> None:
    unit = folder.root / "usr/lib/systemd/system" / UNIT
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(
        "[Unit]\nDescription=OpenSSH server\n"
        f"[Service]\nExecStart={program}\nRestart=on-failure\nRestartSec=1\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )
    wants = folder.root / "etc/systemd/system/multi-user.target.wants" / UNIT
    wants.parent.mkdir(parents=True, exist_ok=True)
    if not wants.is_symlink():
        wants.symlink_to(unit)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.write_text(text)
    path.chmod(mode)
