"""A hosts file of the machine's own, in a mount namespace that all its processes share.

glibc asks name servers at port 53 alone, which a user may not listen at, and reads one file of
the host. A mount namespace is the one way by which programs that know of nothing see another
file in its place; what else the machine sees stays the host's.
"""

import ctypes
import errno
import os
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
"""https://github.com/torvalds/linux/blob/master/include/uapi/linux/sched.h"""
_MS_BIND, _MS_REC, _MS_SLAVE = 0x1000, 0x4000, 0x80000
"""https://github.com/torvalds/linux/blob/master/include/uapi/linux/mount.h"""
_SEEN = "/etc/hosts"
_NOT = "names of the laptop cloud don't resolve here"


def see_as_hosts(file: Path) -> str:
    """Let this process and all below it see `file` as `/etc/hosts`; return why not, else nothing.

    Only while the process has one thread. A user who isn't root needs a user namespace for it,
    in which he is who he was.
    """
    if not file.is_file():
        return f"{_NOT}: no file {file}"
    # Tried first by a child: a host may allow the first step and refuse the next, after which a
    # process is nobody.
    error = _tried(file)
    if error:
        return f"{_NOT}: no mount namespace: {os.strerror(error)}"
    _bind(file)
    return ""


def _tried(file: Path) -> int:
    """Do it in a child; return the number of the error, 0 for none."""
    child = os.fork()
    if child == 0:
        code = errno.EPERM
        try:
            _bind(file)
            code = 0
        except OSError as error:
            code = error.errno or code
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _bind(file: Path) -> None:
    _unshare()
    # What the host mounts from now on is seen here, and nothing the other way round.
    _mount("none", "/", _MS_REC | _MS_SLAVE)
    _mount(str(file), _SEEN, _MS_BIND)


def _unshare() -> None:
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _call("unshare", _CLONE_NEWNS)
        return
    _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS)
    # A user may map his group only after giving up to change groups (user_namespaces(7)).
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _mount(source: str, target: str, flags: int) -> None:
    _call("mount", source.encode(), target.encode(), None, ctypes.c_ulong(flags), None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
