# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filesystems of the copy: an overlay over the machine's root, and fresh ones where the kernel shows its state."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cgroups
from network import NAMESERVER
from shell import call

# Covered by a tmpfs in a mount namespace of our own; everything the copy writes is kept in that tmpfs.
BASE = Path("/dev/shm")
COPY = BASE / "copy"
ROOT = BASE / "root"
ARCHIVES = BASE / "archives"

DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "fuse", "net/tun")
LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
# Fresh and fast; also because an overlay, as Docker and containerd mount them, cannot lie on an overlay.
VOLATILE = {"run": "755", "tmp": "1777", "var/lib/docker": "710", "var/lib/containerd": "710"}


def prepare(package_cache: Path) -> None:
    """Before the user namespace: inside it the kernel refuses an overlay of the machine's root."""
    call("mount", "--make-rprivate", "/")
    call("mount", "-t", "tmpfs", "-o", "mode=755", "lab", BASE)
    ROOT.mkdir()
    overlay(Path("/"), COPY)
    (package_cache / "partial").mkdir(parents=True, exist_ok=True)
    overlay(package_cache, ARCHIVES)


def overlay(lower: Path, target: Path) -> None:
    upper, work = target.with_suffix(".upper"), target.with_suffix(".work")
    for path in (upper, work, target):
        path.mkdir(mode=0o755)
    call("mount", "-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "lab", target)


def keep_packages(archives: Path, package_cache: Path) -> None:
    """What apt downloaded to an overlay of the cache serves the next one."""
    for package in archives.with_suffix(".upper").glob("*.deb"):
        if package.is_file():
            unfinished = package_cache / "partial" / f"{package.name}.{os.getpid()}"
            shutil.copyfile(package, unfinished)
            unfinished.rename(package_cache / package.name)


def enter(checkout: Path, kept: list[Path], groups: cgroups.Groups, binfmt: bool) -> None:
    """In the new namespaces: complete the copy and make it the root."""
    bind(COPY, ROOT)  # a mount of this namespace: the inherited one is locked
    call("mount", "-t", "proc", "proc", ROOT / "proc")
    call("mount", "-t", "sysfs", "sysfs", ROOT / "sys")
    if binfmt:  # each user namespace has a table of its own, from Linux 6.7 on
        call("mount", "-t", "binfmt_misc", "binfmt_misc", ROOT / "proc/sys/fs/binfmt_misc")
    groups.mount(ROOT)
    devices(ROOT / "dev")
    for name, mode in VOLATILE.items():
        tmpfs(ROOT / name, mode)
    (ROOT / "run/lock").mkdir(mode=0o1777)
    bind(COPY.with_suffix(".upper"), ROOT / "run/lab/written")
    bind(COPY / checkout.relative_to("/"), ROOT / checkout.relative_to("/"))  # it may lie below /tmp
    for path in kept:
        bind(path, ROOT / path.relative_to("/"))
    packages()
    resolv_conf = ROOT / "etc/resolv.conf"
    resolv_conf.unlink(missing_ok=True)
    resolv_conf.write_text(f"nameserver {NAMESERVER}\n")
    old = ROOT / "run/machine"
    old.mkdir()
    call("pivot_root", ROOT, old)
    call("umount", "--lazy", "/run/machine")
    Path("/run/machine").rmdir()


def devices(target: Path) -> None:
    """A /dev without the machine's disks."""
    tmpfs(target, "755")
    for name in DEVICES:
        if (Path("/dev") / name).exists():
            (target / name).parent.mkdir(exist_ok=True)
            (target / name).touch()
            call("mount", "--bind", Path("/dev") / name, target / name)
    for name, destination in LINKS.items():
        (target / name).symlink_to(destination)
    tmpfs(target / "shm", "1777")
    (target / "pts").mkdir()
    call("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620,gid=5", "devpts", target / "pts")


def packages() -> None:
    """Keep what apt downloads; container images are set up to delete it."""
    configuration = ROOT / "etc/apt/apt.conf.d"
    (configuration / "docker-clean").write_text("")
    (configuration / "99lab").write_text('APT::Keep-Downloaded-Packages "true";\n')
    bind(ARCHIVES, ROOT / "var/cache/apt/archives")


def bind(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    call("mount", "--bind", source, target)


def tmpfs(target: Path, mode: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    call("mount", "-t", "tmpfs", "-o", f"mode={mode}", "lab", target)
