"""A machine's folder made ready for a boot: root, shims, `enter`."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from sandbox.machines.folder import Folder
from sandbox.machines.init import shim

SHIMS = ("systemctl", "systemd-run", "shutdown", "poweroff", "reboot", "halt")
_SUDO = """#!/bin/bash
# Runs a command as who calls: the host's sudo would set PATH anew, and reach the host's shutdown.
while [ $# -gt 0 ]; do
    case $1 in
        -[ugpCrtTDRh] | --user | --group | --prompt | --chdir | --role | --type) shift 2 ;;
        --) shift && break ;;
        -*) shift ;;
        *=*) export "$1" && shift ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || set -- bash
exec "$@"
"""
_WALL = """#!/bin/bash
# Writes to all terminals of a machine: its console, and where peers are logged in over ssh.
if [ $# -gt 0 ]; then text=$*; else text=$(cat); fi
text=$(printf '\\nBroadcast message from %s:\\n\\n%s\\n' "${USER:-root}" "$text")
printf '%s\\n' "$text" >> "$SPAWN_ROOT/dev/console"
for link in "$SPAWN_ROOT"/proc/[0-9]*/fd/0; do readlink "$link"; done 2> /dev/null \\
    | grep '^/dev/pts/' | sort -u | while read -r terminal; do
        printf '%s\\r\\n' "$text" 2> /dev/null > "$terminal"
    done
exit 0
"""
_FOLDERS = (
    "dev",
    "etc/profile.d",
    "etc/spawn",
    "etc/systemd/system",
    "proc/sys/kernel/random",
    "run",
    "tmp",
    "usr/local/bin",
    "usr/local/lib",
    "var/lib",
    "var/log",
)
_EMPTIED = ("run", "tmp")
_PROFILES = (".bash_profile", ".bashrc")


def prepare(folder: Folder, environment: Mapping[str, str]) -> None:
    """Make what a boot needs; what the machine itself has written stays."""
    for name in _EMPTIED:
        # File systems in memory: a boot finds them empty.
        shutil.rmtree(folder.root / name, ignore_errors=True)
    folder.home.mkdir(parents=True, exist_ok=True)
    for name in _FOLDERS:
        (folder.root / name).mkdir(parents=True, exist_ok=True)
    _write_shims(folder)
    _write_enter(folder, environment)
    for name in _PROFILES:
        _write_profile(folder, folder.home / name)
    console = folder.root / "dev/console"
    if not console.exists():
        os.mkfifo(console)
    boot_id = folder.root / "proc/sys/kernel/random/boot_id"
    boot_id.write_text(f"{uuid4()}\n")


def _write_shims(folder: Folder) -> None:
    folder.shims.mkdir(exist_ok=True)
    source = Path(shim.__file__).read_text()
    for name in SHIMS:
        _write_program(folder.shims / name, f"#!{sys.executable} -ISB\n{source}")
    _write_program(folder.shims / "sudo", _SUDO)
    _write_program(folder.shims / "wall", _WALL)


def _write_enter(folder: Folder, environment: Mapping[str, str]) -> None:
    exports = "".join(f"export {k}={shlex.quote(v)}\n" for k, v in sorted(environment.items()))
    _write_program(
        folder.enter,
        "#!/bin/bash\n# A shell, or the arguments as a command, inside this machine.\n"
        'unset "${!AWS_@}"\n'
        f"{exports}export TERM=${{TERM:-dumb}}\ncd {shlex.quote(str(folder.home))} || exit 1\n"
        'if [ $# -gt 0 ]; then exec "$@"; fi\nexec bash -l\n',
    )


def _write_profile(folder: Folder, path: Path) -> None:
    if path.exists():
        return
    # A login shell of the host sets PATH anew: the shims have to stand first again.
    shims = shlex.quote(str(folder.shims))
    profiles = shlex.quote(str(folder.root / "etc/profile.d"))
    path.write_text(
        f'case ":$PATH:" in {shims}:*) ;; *) PATH={shims}:$PATH ;; esac\n'
        f"for part in {profiles}/*.sh; do\n"
        '    if [ -r "$part" ]; then . "$part"; fi\ndone\nunset part\n'
    )


def _write_program(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(path)
