# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""User namespaces: which one this is, and how to enter that of a rootless engine."""

from __future__ import annotations

import ctypes
import glob
import os
import pwd
import tempfile

from ._environment import INITIAL_USER_NAMESPACE
from ._errors import CrossbuildError

# CLONE_NEWUSER and CLONE_NEWNS in its include/uapi/linux/sched.h, with the files of /proc/PID/ns. The user namespace
# comes first: it gives the right to enter the other.
_KINDS = (("user", 0x10000000), ("mnt", 0x00020000))
# Where the rootless engines note the process that holds their namespaces, below the user's runtime directory: Docker's
# rootlesskit, and podman.
_PID_FILES = ("dockerd-rootless/child_pid", "libpod/tmp/pause.pid")
# The script of Docker 20.10 names no directory, and rootlesskit makes one for temporary files.
_PID_FILES_OF_OLD = "rootlesskit*/child_pid"

_LIBC = ctypes.CDLL(None, use_errno=True)


def initial() -> bool:
    """Whether this is the user namespace that the host itself is in."""
    return os.readlink("/proc/self/ns/user") == INITIAL_USER_NAMESPACE


def of_a_user() -> bool:
    """Whether this is a namespace that a user made to be root in, on the files of a host whose root is somebody else.

    A container's root owns its root directory, and looks after a machine of its own; an ordinary user of a container made
    no namespace.
    """
    return not initial() and os.geteuid() == 0 and os.stat("/").st_uid != 0


def engine_process() -> int | None:
    """The process that holds the namespaces of this user's rootless engine; None where none runs."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    old = glob.glob(os.path.join(tempfile.gettempdir(), _PID_FILES_OF_OLD))
    for path in [*(os.path.join(runtime, name) for name in _PID_FILES), *old]:
        try:
            with open(path, encoding="ascii") as file:
                pid = int(file.read())
                ours = os.fstat(file.fileno()).st_uid == os.getuid()
        except (FileNotFoundError, PermissionError, ValueError):
            continue
        if ours and os.path.exists(f"/proc/{pid}/ns/user"):
            return pid
    return None


def state_directory(pid: int | None) -> str:
    """Where the user who owns a process (None: this one) keeps what programs note; see the XDG base directories.

    Raises CrossbuildError where there is no such process.
    """
    try:
        owner = os.stat(f"/proc/{pid}").st_uid if pid else os.geteuid()
    except FileNotFoundError as exc:
        raise _no_process(pid) from exc
    if owner == os.geteuid():
        base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    else:
        base = os.path.join(pwd.getpwuid(owner).pw_dir, ".local/state")
    return os.path.join(base, "trusted.crossbuild")


def enter(pid: int) -> None:
    """Makes this process one of the user and mount namespaces of another, and root there.

    Nothing may be imported afterwards: other files may be mounted there. Raises CrossbuildError where it is not
    permitted.
    """
    try:
        opened = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), kind) for name, kind in _KINDS]
    except FileNotFoundError as exc:
        raise _no_process(pid) from exc
    except PermissionError as exc:
        raise CrossbuildError(f"The namespaces of process {pid} cannot be entered: it is another user's.") from exc
    for descriptor, kind in opened:
        if _LIBC.setns(descriptor, kind):
            problem = os.strerror(ctypes.get_errno())
            raise CrossbuildError(
                f"The namespaces of process {pid} cannot be entered ({problem}): it must be one that this user started, in"
                " a user namespace other than this one."
            )
        os.close(descriptor)
    # Root of the host is nobody in there.
    os.setgid(0)
    os.setuid(0)


def _no_process(pid: int | None) -> CrossbuildError:
    return CrossbuildError(f"There is no process {pid} whose user namespace could be entered.")
