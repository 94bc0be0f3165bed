# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are either the old or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile


def write_file(path: str, content: str | bytes, mode: int = 0o644) -> None:
    """Writes a file beside its target, syncs and renames it. Makes the directory where it is missing.

    An OSError names the file, also where it is about a disk that is full, of which the kernel says it without one.
    """
    directory = os.path.dirname(path)
    os.makedirs(directory, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix="." + os.path.basename(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException as exc:
        os.unlink(temporary)
        if isinstance(exc, OSError) and exc.filename is None:
            exc.filename = path
        raise


def sync(path: str) -> None:
    """Has a file, or what a directory lists, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
