# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The digests of a context's files, remembered between runs, so that an unchanged file need not be read again.

As git's index: https://git-scm.com/docs/racy-git. A file is known by what the kernel counts up when it changes.
"""

from __future__ import annotations

import os
import time
from typing import Callable

# The coarsest time of last change that a filesystem of today keeps (FAT: 2 s), in nanoseconds.
_COARSEST = 2_000_000_000


class Index:
    """``known`` maps paths to ``STAMP CONTENT``: what a file looked like, and what was then found in it."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self._seen: dict[str, str] = {}
        self._begun = 0

    def begin(self) -> None:
        """Begins a walk. What the one before did not meet again is forgotten with ``end``."""
        self._seen = {}
        self._begun = time.time_ns()

    def content(self, path: str, status: os.stat_result, read: Callable[[], str]) -> str:
        """What ``read`` finds in a file, from memory where the file is what it was.

        The time of last change (ctime) cannot be set by programs: it also tells a file whose size and modification time
        were kept. But a file that changes twice within one tick of its filesystem's clock looks the same to it. So one
        that is not older than the tick before this walk is not remembered.
        """
        stamp = stamp_of(status) + " "
        entry = self.known.get(path, "")
        if not entry.startswith(stamp):
            entry = stamp + read()
        if max(status.st_mtime_ns, status.st_ctime_ns) < self._begun - _COARSEST:
            self._seen[path] = entry
        return entry[len(stamp) :]

    def end(self) -> None:
        self.known = self._seen


def stamp_of(status: os.stat_result) -> str:
    return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
