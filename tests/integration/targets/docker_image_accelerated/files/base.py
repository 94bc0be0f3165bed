# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a Debian with a compiler, out of packages: base.py DIRECTORY RELEASE ARCHITECTURE, in DIRECTORY/root."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.trusted.crossbuild.plugins.module_utils._package_archive import PackageArchive, sources_of

PACKAGES = [
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "diffutils",
    "g++",
    "grep",
    "libc-bin",
    "libc6-dev",
    "make",
    "sed",
]

scratch, release, architecture = Path(sys.argv[1]), *sys.argv[2:]
root = scratch / "root"
root.mkdir(parents=True)
# As Debian's own installer does before it unpacks anything.
for name in ("bin", "sbin", "lib"):
    (root / "usr" / name).mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(f"usr/{name}")
for package in PackageArchive(str(scratch), architecture, sources_of(release)).download_all(PACKAGES):
    content = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=content.stdout, check=True)
    assert content.wait() == 0, package
(root / "bin/sh").unlink(missing_ok=True)
(root / "bin/sh").symlink_to("dash")
