# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds the lock on a file, for the one who waited for it in vain."""

from __future__ import annotations

import glob
import os
import re
from typing import Iterable


def holders(paths: Iterable[str]) -> list[str]:
    """The processes that hold a lock and have one of the files open, as ``process 4711 (apt-get install vim)``.

    The kernel's list of locks, https://docs.kernel.org/filesystems/proc.html, tells a lock's owner and an inode, which
    on an overlay is not that of the path. So the files that the owners have open decide.
    """
    wanted = {os.path.realpath(path) for path in paths}
    with open("/proc/locks", encoding="ascii") as file:
        owners = re.findall(r"(?m)^\d+: \S+ +\S+ +\S+ (\d+) ", file.read())
    return [f"process {pid} ({command_line(pid)})" for pid in sorted(set(owners), key=int) if wanted & _open_files(pid)]


def command_line(pid: str) -> str:
    """What a process was started as; what its kernel name is where it does not tell; ``ended`` where it is no more."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return words or file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "ended"


def _open_files(pid: str) -> set[str]:
    found = set()
    for link in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            found.add(os.readlink(link))
        except (FileNotFoundError, ProcessLookupError):
            continue  # closed, or ended, in this moment
    return found
