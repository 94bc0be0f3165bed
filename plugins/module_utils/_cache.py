# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What docker_image remembers between runs to save work. Nothing depends on it: without it the same is found out again."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import Callable, Iterator

from ._atomic import write_file
from ._evidence import load, path_of, title

# Seconds. A table that was not written for so long may be about something that is no more.
_KEPT = 90 * 24 * 3600


class Table:
    """A file of names and values: text without NUL, in which bytes that are not UTF-8 are surrogates.

    ``kind`` names a directory of the cache; ``subject`` is what the table is about, and only its digest is in the name.
    """

    def __init__(self, kind: str, subject: str, root: str | None = None) -> None:
        self.path = path_of(kind, subject, root)

    def load(self) -> dict[str, str]:
        """What was saved last. Empty where that is nothing, damaged, or of another version of this collection."""
        return load(self.path)

    def save(self, content: dict[str, str]) -> None:
        """Raises OSError where that is not possible. Names of a context's files are not everybody's business."""
        _make_directory(self.path)
        text = "\0".join(part for pair in content.items() for part in pair)
        write_file(self.path, title(text.encode("utf-8", "surrogateescape")) + "\n" + text, mode=0o600)
        _remove_old(os.path.dirname(self.path))

    def forget(self) -> None:
        if os.path.exists(self.path):
            os.unlink(self.path)


@contextmanager
def only_one(subject: str, waits: Callable[[], None], root: str | None = None) -> Iterator[None]:
    """Waits for other processes of this user that are at work on ``subject``, and keeps them waiting.

    ``waits`` is called before it waits, and not where it need not.
    The kernel ends the lock with the process, however that ends. Raises OSError where the cache cannot be written.
    """
    path = path_of("locks", subject, root)
    _make_directory(path)
    # The file stays: one that was removed while somebody waits for it would let a third one in.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_old(tables: str) -> None:
    for name in os.listdir(tables):
        path = os.path.join(tables, name)
        try:
            if os.stat(path).st_mtime < time.time() - _KEPT:
                os.unlink(path)
        except FileNotFoundError:
            continue  # another task removed it, or gave it its name


def _make_directory(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
