# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's binfmt_misc filesystem: mounting it, reading its entries, registering and removing them."""

from __future__ import annotations

import errno
import fcntl
import os

from . import _command
from ._binfmt_entry import Entry, parse_kernel_text, register_line
from ._errors import CrossbuildError

MOUNT_POINT = "/proc/sys/fs/binfmt_misc"
_CONTROL_FILES = ("register", "status")

_REFUSALS = {
    errno.EACCES: "permission denied: this needs root (become: true), or scope: user for the containers of a user's own engine",
    errno.EPERM: "the kernel does not permit it here: this needs root, and in a container the privilege to write /proc/sys",
    errno.EROFS: "/proc/sys is read-only, as in an unprivileged container: register the entries on the container's host instead",
    errno.ENOENT: "the interpreter does not exist",
    errno.EINVAL: "the kernel does not understand the entry",
    errno.EEXIST: "an entry of that name exists already",
}


class BinfmtMisc:
    """One mounted instance. ``path`` is its mount point. With ``own``, that of another user namespace does not count.

    Since Linux 6.7 a user namespace may have an instance of its own; until it has, that of the one around it serves.
    """

    def __init__(self, path: str = MOUNT_POINT, own: bool = False) -> None:
        self.path = path
        self._own = own
        self._lock: int | None = None

    def mounted(self) -> bool:
        """Whether entries can be read. Looking also triggers an automount, where systemd set one up."""
        return os.path.exists(os.path.join(self.path, "register")) and not (self._own and self.inherited())

    def inherited(self) -> bool:
        """Whether what is mounted belongs to a user namespace around this one: to its root, who is nobody here.

        A namespace in which every user is himself cannot be told from the one around it; what it mounts is its own.
        """
        try:
            return os.stat(os.path.join(self.path, "register")).st_uid != 0
        except FileNotFoundError:
            return False

    def enabled(self) -> bool:
        """Whether the instance as a whole is switched on."""
        try:
            with open(os.path.join(self.path, "status"), encoding="ascii") as status:
                return status.read().strip() == "enabled"
        except FileNotFoundError:
            return False

    def require_switched_on(self) -> None:
        """Raises CrossbuildError where the instance is there, and none of its entries works."""
        if self.mounted() and not self.enabled():
            raise CrossbuildError(
                f"binfmt_misc is switched off as a whole: {self.path}/status says 'disabled', so that no entry of anybody"
                f" works. If that should not be, switch it on: echo 1 > {self.path}/status"
            )

    def require_mountable(self) -> None:
        """Raises CrossbuildError where mount() could not work, without changing anything."""
        if self.mounted():
            self.require_writable()
        elif os.geteuid() != 0:
            raise CrossbuildError(
                f"binfmt_misc is not mounted at {self.path}, and mounting it needs root (become: true)."
            )
        elif not os.path.isdir(self.path) and not self._module("--dry-run"):
            raise self._no_mount_point()

    def require_writable(self) -> None:
        """Raises CrossbuildError with the reason where entries cannot be registered here."""
        if self.inherited():
            raise CrossbuildError(
                f"The entries in {self.path} are those of the host around this container or user namespace, and can be"
                " changed there only. Run this on the host, or say scope: user for entries of this namespace's own."
            )
        try:
            os.close(os.open(os.path.join(self.path, "register"), os.O_WRONLY))
        except OSError as exc:
            raise CrossbuildError(f"Cannot register entries in {self.path}: {_because(exc)}.") from exc

    def mount(self) -> None:
        """Mounts the filesystem, loading its kernel module first where it is one."""
        if not os.path.isdir(self.path):
            self._module("--quiet")
        if not os.path.isdir(self.path):
            raise self._no_mount_point()
        done = _command.run(["mount", "-t", "binfmt_misc", "binfmt_misc", self.path])
        if not self.mounted():
            raise CrossbuildError(
                f"binfmt_misc cannot be mounted at {self.path}: {done.stderr.strip() or 'mount gave no reason'}."
                " In a container, mount it on the container's host, or give the container CAP_SYS_ADMIN."
            )

    def _module(self, option: str) -> bool:
        """Whether modprobe did what it was asked to; without modprobe there are no modules."""
        try:
            return _command.run(["modprobe", option, "binfmt_misc"]).returncode == 0
        except CrossbuildError:
            return False

    def _no_mount_point(self) -> CrossbuildError:
        with open("/proc/filesystems", encoding="ascii") as file:
            supported = "binfmt_misc" in file.read().split()
        if supported:
            return CrossbuildError(f"The mount point {self.path} does not exist. The kernel's own is {MOUNT_POINT}.")
        return CrossbuildError(
            f"This kernel ({os.uname().release}) has no binfmt_misc: {self.path} does not exist and no module of that"
            " name loads. Use a kernel with CONFIG_BINFMT_MISC."
        )

    def lock(self) -> None:
        """Waits for other runs of this collection, and keeps them waiting until this process ends or unmounts.

        The lock is on a file that only root can open, so that nobody else can hold it, and that is there anyway.
        """
        if self._lock is None and self.mounted() and os.access(os.path.join(self.path, "register"), os.W_OK):
            self._lock = os.open(os.path.join(self.path, "register"), os.O_WRONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def unmount(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        # Lazily: another run may be waiting for the lock in there.
        _command.require(["umount", "--lazy", self.path])

    def entries(self) -> list[Entry]:
        """Every entry, the one registered last first: the order in which the kernel tries them."""
        if not self.mounted():
            return []
        # A directory listing is newest first; the stable sort repairs it where a kernel lists otherwise.
        names = [name for name in os.listdir(self.path) if name not in _CONTROL_FILES]
        found = [entry for entry in map(self._read, names) if entry]
        return sorted(found, key=lambda entry: -entry.registered_ns)

    def _read(self, name: str) -> Entry | None:
        path = os.path.join(self.path, name)
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return parse_kernel_text(name, file.read(), os.fstat(file.fileno()).st_mtime_ns)
        except FileNotFoundError:
            return None  # removed by somebody between the listing and now

    def register(self, entry: Entry) -> None:
        self._write("register", register_line(entry), f"register {entry.name} with the interpreter {entry.interpreter}")

    def switch(self, name: str, on: bool) -> None:
        """Enables or disables one entry."""
        self._write(name, b"1" if on else b"0", f"{'enable' if on else 'disable'} the entry {name}")

    def remove(self, name: str) -> None:
        """Removes one entry, if it is there."""
        if os.path.exists(os.path.join(self.path, name)):
            self._write(name, b"-1", f"remove the entry {name}")

    def _write(self, file: str, data: bytes, action: str) -> None:
        try:
            descriptor = os.open(os.path.join(self.path, file), os.O_WRONLY)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise CrossbuildError(f"Cannot {action}: {_because(exc)}.") from exc


def _because(exc: OSError) -> str:
    return _REFUSALS.get(exc.errno or 0, exc.strerror or str(exc))
