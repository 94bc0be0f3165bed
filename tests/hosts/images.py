# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Root filesystems of the hosts: the distribution's own packages, put together once for each recipe and kept as tar."""

from __future__ import annotations

import hashlib
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import downloads
from downloads import ARCHIVES
from shell import LabError, call

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache/hosts"
ADDED_FILES = HERE / "image"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

PACKAGES = ("systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "ca-certificates")
# Nobody reads documentation there; what a crash of the machine would do to them is nobody's concern either.
DPKG_OPTIONS = (
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "force-unsafe-io",
)
# What only the machine's own root may have.
MASKED = ("sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-journald-audit.socket", "systemd-modules-load.service")
APT_OPTIONS = ('Acquire::Languages "none"',)
MMDEBSTRAP = (
    "mmdebstrap",
    "--quiet",
    "--mode=root",
    "--variant=apt",
    f"--include={','.join(PACKAGES)}",
    *(f"--dpkgopt={option}" for option in DPKG_OPTIONS),
    *(f"--aptopt={option}" for option in APT_OPTIONS),
    # $1 is the root to be, $DOWNLOADS a view of the packages that are there already.
    "--skip=download/empty",
    "--skip=essential/unlink",
    f'--setup-hook=mkdir -p "$1{ARCHIVES}" && mount --bind "$DOWNLOADS" "$1{ARCHIVES}"',
    f'--customize-hook=umount "$1{ARCHIVES}"',
    f'--customize-hook=cp --recursive --preserve=mode {ADDED_FILES}/. "$1"',
    f'--customize-hook=chroot "$1" systemctl --quiet mask {" ".join(MASKED)}',
)


def root_filesystems(releases: set[str], scratch: Path) -> dict[str, Path]:
    """A tar for each release, by its name in the archive, for example ``bookworm``."""
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = package_archive()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(releases, pool.map(lambda name: root_filesystem(name, archive, scratch), releases), strict=True))


def root_filesystem(release: str, archive: str, scratch: Path) -> Path:
    # The main suite alone: a second one's index may be out of step with it.
    source = f"deb [signed-by={KEYRING}] {archive} {release} main"
    tar = CACHE / f"{release}-{digest(source)}.tar"
    if not tar.exists():
        print(f"hosts: putting {release} together\n", end="", flush=True)  # in one piece: threads
        made = scratch / tar.name
        archives = downloads.view(scratch / release)
        call("env", f"TMPDIR={scratch}", f"DOWNLOADS={archives}", *MMDEBSTRAP, release, made, source)
        downloads.keep(archives)
        for old in CACHE.glob(f"{release}-*.tar"):
            old.unlink(missing_ok=True)
        unfinished = tar.with_suffix(f".{os.getpid()}")
        call("cp", made, unfinished)  # from memory to the disk
        unfinished.rename(tar)
        made.unlink()
    return tar


def digest(source: str) -> str:
    """Of everything that goes into a root filesystem, but for the packages' versions."""
    added = [path for path in sorted(ADDED_FILES.rglob("*")) if path.is_file()]
    parts = [*(word.encode() for word in (*MMDEBSTRAP, source)), *(path.read_bytes() for path in added)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def package_archive() -> str:
    """The archive that this machine takes its own packages from: it has the other releases as well."""
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    wanted = ["Created-By: Packages", f"Release: {codename}", "Component: main"]
    found = call("apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted).split()
    if not found:
        raise LabError(f"apt on this machine has no package source for {codename} main: the hosts' packages come from there")
    return found[0]
