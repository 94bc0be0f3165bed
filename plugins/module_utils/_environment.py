# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What surrounds this process and decides how programs run: containers, namespaces, mounts, security modules, init."""

from __future__ import annotations

import json
import os
from typing import Any, Callable

from . import _mounts
from ._command import run

# PROC_USER_INIT_INO in the kernel's include/linux/proc_ns.h: the one user namespace that is nobody's child.
INITIAL_USER_NAMESPACE = "user:[4026531837]"
# The owner of what belongs to a user that this user namespace does not know; /proc/sys/kernel/overflowuid.
_OVERFLOW_USER = 65534
_CONTAINERS = {"docker": "docker", "podman": "podman", "lxc": "lxc", "systemd-nspawn": "nspawn"}
_CGROUPS = (("/docker", "docker"), ("libpod", "podman"), ("/lxc", "lxc"), ("machine.slice/", "nspawn"))
# Every service that registers entries, by the name of its unit in systemd.
_UNITS = {"systemd-binfmt": "systemd-binfmt.service", "binfmt-support": "binfmt-support.service"}
_OPENRC_SERVICES = ("binfmt", "qemu-binfmt")
_DATA_ROOT = "/var/lib/docker"


class Environment:
    """The files that tell, below ``root``; ``mount_point`` is where binfmt_misc belongs."""

    def __init__(self, mount_point: str, root: str = "/") -> None:
        self.mount_point = os.path.normpath(mount_point)
        self.root = root

    def describe(self, active: Callable[[list[str]], list[str]] | None = None) -> dict[str, Any]:
        """All of it; ``active`` tells which of some units of systemd are."""
        return {
            "container": self.container(),
            "wsl": "microsoft" in self.kernel().lower(),
            "user_namespace": self.user_namespace(),
            "instance": self.instance(),
            "binfmt_misc": self.binfmt_misc(),
            "proc_sys_read_only": self.proc_sys_read_only(),
            "selinux": self.selinux(),
            "apparmor": self._read("/sys/module/apparmor/parameters/enabled") == "Y",
            "kernel": self.kernel(),
            "init": self.init(),
            "binfmt_owners": self.binfmt_owners(active or _active_units),
        }

    def container(self) -> str:
        """``docker``, ``podman``, ``lxc``, ``nspawn``, ``other`` or ``none``, as https://systemd.io/CONTAINER_INTERFACE says."""
        variables = dict(part.partition("=")[::2] for part in self._read("/proc/1/environ").split("\0"))
        said = self._read("/run/systemd/container") or variables.get("container", "")
        if said and said != "wsl":
            return _CONTAINERS.get(said, "other")
        # Docker's engine and podman tell by a file; what only the cgroup tells is found where that is not hidden.
        if self._exists("/run/.containerenv"):
            return "podman"
        if self._exists("/.dockerenv"):
            return "docker"
        groups = self._read("/proc/1/cgroup")
        return next((kind for part, kind in _CGROUPS if part in groups), "none")

    def kernel(self) -> str:
        return self._read("/proc/sys/kernel/osrelease")

    def user_namespace(self) -> bool:
        """Whether this is a user namespace other than the initial one."""
        return os.readlink(self._path("/proc/self/ns/user")) != INITIAL_USER_NAMESPACE

    def instance(self) -> str:
        """Whose table of entries is seen: ``host``, ``own`` (of this user namespace, from Linux 6.7 on) or ``none``.

        In a user namespace the host's files are owned by a user it does not know, unless that maps every user as itself:
        such a table is taken for its own.
        """
        if self.binfmt_misc()["state"] != "mounted":
            return "none"
        status = os.path.join(self._path(self.mount_point), "status")
        foreign = os.path.exists(status) and os.stat(status).st_uid == _OVERFLOW_USER
        return "own" if self.user_namespace() and not foreign else "host"

    def binfmt_misc(self) -> dict[str, Any]:
        """``state``: ``mounted``, ``autofs`` (mounted by systemd when it is first used) or ``absent``; ``read_only``."""
        here = [mount for mount in self.mounts() if mount.point == self.mount_point]
        top = here[-1] if here else None
        if top is None or top.kind not in ("binfmt_misc", "autofs"):
            return {"state": "absent", "read_only": False}
        return {"state": "autofs" if top.kind == "autofs" else "mounted", "read_only": top.read_only}

    def hidden_instance(self) -> bool:
        """Whether the table that is seen covers another one."""
        here = {mount.device for mount in self.mounts() if mount.kind == "binfmt_misc"}
        return self.user_namespace() and len(here) > 1

    def proc_sys_read_only(self) -> bool:
        points = {mount.point: mount for mount in self.mounts()}
        mount = points.get("/proc/sys") or points.get("/proc")
        return mount is not None and mount.read_only

    def mounts(self) -> list[_mounts.Mount]:
        return _mounts.parse(self._read("/proc/self/mountinfo"))

    def selinux(self) -> str:
        """``enforcing``, ``permissive`` or ``disabled``."""
        return {"1": "enforcing", "0": "permissive"}.get(self._read("/sys/fs/selinux/enforce"), "disabled")

    def init(self) -> dict[str, str]:
        """``name``: what process 1 is called; ``kind``: ``systemd``, ``openrc``, ``sysvinit`` or ``other``."""
        name = self._read("/proc/1/comm")
        if self._exists("/run/systemd/system"):
            kind = "systemd"
        elif self._exists("/run/openrc"):
            kind = "openrc"
        else:
            kind = "sysvinit" if name == "init" and self._exists("/etc/inittab") else "other"
        return {"name": name, "kind": kind}

    def binfmt_owners(self, active: Callable[[list[str]], list[str]]) -> list[str]:
        """The services that are active and register entries: ``systemd-binfmt``, ``binfmt-support``, ``openrc``."""
        kind = self.init()["kind"]
        if kind == "systemd":
            units = active(list(_UNITS.values()))
            return [name for name, unit in _UNITS.items() if unit in units]
        started = [name for name in _OPENRC_SERVICES if self._exists(f"/run/openrc/started/{name}")]
        return ["openrc"] if kind == "openrc" and started else []

    def docker_data_root(self) -> str:
        """Where the engine keeps its data, or before there is any, the nearest directory above: the same filesystem.

        As its configuration file says, else its default; what is said on the engine's command line is not known here.
        """
        text = self._read("/etc/docker/daemon.json")
        try:
            path = json.loads(text).get("data-root", _DATA_ROOT) if text else _DATA_ROOT
        except ValueError:
            path = _DATA_ROOT  # the engine does not start with such a file
        return self.nearest(path)

    def nearest(self, path: str) -> str:
        """``path``, or where it is not, the nearest directory above it."""
        while not os.path.isdir(self._path(path)) and path != "/":
            path = os.path.dirname(os.path.normpath(path))
        return path

    def _path(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    def _exists(self, path: str) -> bool:
        return os.path.exists(self._path(path))

    def _read(self, path: str) -> str:
        """The text of a file; empty where it is not, or not ours to read."""
        try:
            with open(self._path(path), encoding="utf-8", errors="surrogateescape") as file:
                return file.read().strip()
        except OSError:
            return ""


def _active_units(units: list[str]) -> list[str]:
    states = run(["systemctl", "is-active", *units]).stdout.split()
    return [unit for unit, state in zip(units, states) if state == "active"]
