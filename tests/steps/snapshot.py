# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role trusted.crossbuild.emulation leaves on a host, as JSON: to be compared with another time's.

Looks without touching: opening a file below the mount point of binfmt_misc would mount it, and load its module.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

MOUNT_POINT = Path("/proc/sys/fs/binfmt_misc")
DIRECTORIES = (
    "/etc",
    "/opt",
    "/usr/lib/binfmt.d",
    "/usr/libexec",
    "/usr/local",
    "/var/lib/binfmts",
    "/var/lib/trusted.crossbuild",
)


def main() -> None:
    state = {
        "packages": packages(),
        "files": files(),
        "entries": entries(),
        "supported": supported(),
        "mounted": mounted(),
    }
    print(json.dumps(state, sort_keys=True))


def packages() -> dict[str, str]:
    """Version and state by name, those that are removed and not purged included."""
    listing = ["dpkg-query", "--show", "--showformat", "${Package}\t${Version} ${db:Status-Status}\n"]
    rows = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(row.split("\t") for row in rows)


def files() -> dict[str, str]:
    """What is in the directories: of files the digest, of links where they lead."""
    found = [path for directory in DIRECTORIES for path in Path(directory).rglob("*")]
    return {str(path): contents(path) for path in found if path.is_symlink() or path.is_file()}


def contents(path: Path) -> str:
    return str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()


def mounted() -> bool:
    return any(line.split()[2] == "binfmt_misc" for line in Path("/proc/self/mounts").read_text().splitlines())


def supported() -> bool:
    """Whether the kernel has binfmt_misc, built in or as a module that is loaded."""
    return "binfmt_misc" in Path("/proc/filesystems").read_text().split()


def entries() -> dict[str, str]:
    if not mounted():
        return {}
    return {path.name: path.read_text() for path in MOUNT_POINT.iterdir() if path.name not in ("register", "status")}


if __name__ == "__main__":
    main()
