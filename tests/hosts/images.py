# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Root filesystems of the hosts: the distribution's own packages, put together once for each recipe and kept as tar."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import debian_archive
import downloads
from downloads import ARCHIVES
from shell import call

CACHE = Path(__file__).resolve().parents[2] / ".cache/hosts"

PACKAGES = ("systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "ca-certificates")
MMDEBSTRAP = debian_archive.mmdebstrap(
    PACKAGES,
    "--skip=download/empty",
    "--skip=essential/unlink",
    # $1 is the root to be, $DOWNLOADS a view of the packages that are there already.
    f'--setup-hook=mkdir -p "$1{ARCHIVES}" && mount --bind "$DOWNLOADS" "$1{ARCHIVES}"',
    f'--customize-hook=umount "$1{ARCHIVES}"',
)


def root_filesystems(releases: set[str], scratch: Path) -> dict[str, Path]:
    """A tar for each release, by its name in the archive, for example ``bookworm``."""
    CACHE.mkdir(parents=True, exist_ok=True)
    names = sorted(releases)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        tars = pool.map(
            lambda name, source: root_filesystem(name, source, scratch), names, debian_archive.sources(*names)
        )
        return dict(zip(names, tars, strict=True))


def root_filesystem(release: str, source: str, scratch: Path) -> Path:
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
    return hashlib.sha256("\0".join([*MMDEBSTRAP, source]).encode()).hexdigest()[:16]
