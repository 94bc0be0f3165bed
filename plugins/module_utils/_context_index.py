# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The digests of a context's files, remembered between runs, so that an unchanged file need not be read again.

As git's index: https://git-scm.com/docs/racy-git. A file is known by what the kernel counts up when it changes, so only
filesystems are trusted whose time of last change (ctime) is the kernel's own: FAT's is whatever mtime was set to
(fat_truncate_time in Linux' fs/fat/misc.c), sshfs has none, that of a network comes late.
"""

from __future__ import annotations

import os
import time
from typing import Callable, Iterable

from ._evidence import stamp
from ._mounts import Mount

# Twice the coarsest time of last change that one of these filesystems keeps (ext3: 1 s), in nanoseconds.
COARSEST = 2_000_000_000
_TRUSTED = {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}


def trusted(directory: str, mounts: Iterable[Mount]) -> bool:
    """Whether everything below a directory, an absolute path without links, is on filesystems that can be trusted."""
    above, below = Mount("", "", "", False), {}
    for mount in mounts:  # a later one hides an earlier one
        if _is_below(mount.point, directory):
            below[mount.point] = mount.kind
        elif _is_below(directory, mount.point) and len(mount.point) >= len(above.point):
            above = mount
    return {below.pop(directory, above.kind), *below.values()} <= _TRUSTED


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


class Index:
    """``known`` maps paths to ``STAMP CONTENT``: what a file looked like, and what was then found in it.

    Nothing is added to it where it does not ``remember``.
    """

    def __init__(self, known: dict[str, str], remember: bool = True) -> None:
        self.known = known
        self._remember = remember
        self._seen: dict[str, str] = {}
        self._settled = 0  # nanoseconds since the epoch: no change before then looks like a later one

    def begin(self) -> None:
        """Begins a walk. What the one before did not meet again is forgotten with ``end``."""
        self._seen = {}
        self._settled = time.time_ns() - COARSEST if self._remember else 0

    def content(self, path: str, status: os.stat_result, read: Callable[[str, os.stat_result], str]) -> str:
        """What ``read`` finds in a file, from memory where the file is what it was.

        The ctime cannot be set by programs: it also tells a file whose size and modification time
        were kept. But a file that changes twice within one tick of its filesystem's clock looks the same to it. So one
        that is not older than the tick before this walk is not remembered.
        """
        known = stamp(status) + " "
        entry = self.known.get(path, "")
        if not entry.startswith(known):
            entry = known + read(path, status)
        if status.st_ctime_ns < self._settled and status.st_mtime_ns < self._settled:
            self._seen[path] = entry
        return entry[len(known) :]

    def end(self) -> None:
        self.known = self._seen
