# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control groups of the laboratory's own: an engine in it makes groups below them, the machine's stay as they are."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from shell import call

PREFIX = "crossbuild-lab-"


@dataclass(frozen=True)
class Hierarchy:
    """One mounted hierarchy: cgroup v2, or a controller or name of cgroup v1."""

    mountpoint: Path
    kind: str
    options: str


class Groups:
    """One group per hierarchy, below the one this process is in; gone at the end."""

    def __init__(self) -> None:
        self.hierarchies = mounted()
        self.parents = [hierarchy.mountpoint / own_group(hierarchy) for hierarchy in self.hierarchies]
        self.paths = [parent / f"{PREFIX}{os.getpid()}" for parent in self.parents]

    def __enter__(self) -> Groups:
        self.remove_abandoned()
        for path in self.paths:
            path.mkdir()
            for setting in ("cpuset.cpus", "cpuset.mems"):  # v1: no process may enter while these are empty
                if (path / setting).exists() and not (path / setting).read_text().strip():
                    (path / setting).write_text((path.parent / setting).read_text())
        return self

    def __exit__(self, *_failure: object) -> None:
        for path in self.paths:
            remove_tree(path)

    def remove_abandoned(self) -> None:
        """A laboratory whose outermost process was killed outright could not remove its groups."""
        for parent in self.parents:
            for path in parent.glob(f"{PREFIX}*"):
                if not Path("/proc", path.name.removeprefix(PREFIX)).exists():
                    remove_tree(path)

    def join(self) -> None:
        for path in self.paths:
            (path / "cgroup.procs").write_text("0")

    def mount(self, root: Path) -> None:
        """Mount the hierarchies in a new cgroup namespace, as the machine has them."""
        if not any(hierarchy.mountpoint == Path("/sys/fs/cgroup") for hierarchy in self.hierarchies):
            call("mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", root / "sys/fs/cgroup")
        for hierarchy in self.hierarchies:
            target = root / hierarchy.mountpoint.relative_to("/")
            target.mkdir(parents=True, exist_ok=True)
            call("mount", "-t", hierarchy.kind, "-o", hierarchy.options, "cgroup", target)


def mounted() -> list[Hierarchy]:
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _source, mountpoint, kind, options = line.split()[:4]
        if kind == "cgroup2":
            found.append(Hierarchy(Path(mountpoint), kind, "rw"))
        elif kind == "cgroup":
            general = {"rw", "ro", "relatime", "nosuid", "nodev", "noexec", "xattr"}
            names = [option for option in options.split(",") if option not in general]
            if names[0].startswith("name="):
                names.insert(0, "none")
            found.append(Hierarchy(Path(mountpoint), kind, ",".join(names)))
    return found


def own_group(hierarchy: Hierarchy) -> Path:
    """This process's group in a hierarchy, relative to its mount point."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _number, names, path = line.split(":", 2)
        wanted = hierarchy.options.removeprefix("none,") if hierarchy.kind == "cgroup" else ""
        if names == wanted:
            return Path(path.lstrip("/"))
    return Path()


def remove_tree(group: Path) -> None:
    for directory, _subdirectories, _files in os.walk(group, topdown=False):
        remove(Path(directory))


def remove(group: Path) -> None:
    """A group stays busy for a moment after its last process ended."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
