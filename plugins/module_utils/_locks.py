# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time, where two on the same host would undo each other's work."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from typing import Iterator

from ._errors import CrossbuildError
from ._file_locks import holders

# Held from what is read before packages are installed until it is recorded which of them are new.
PACKAGES = "/run/trusted.crossbuild"


@contextlib.contextmanager
def locked(directory: str, timeout: int = 600) -> Iterator[None]:
    """Holds the lock on a directory, which is there meanwhile, and goes with its parent when nothing is in them.

    Raises CrossbuildError that names who has it after ``timeout`` seconds.
    """
    descriptor = _acquire(directory, time.monotonic() + timeout)
    try:
        yield
    finally:
        for path in (directory, os.path.dirname(directory)):
            with contextlib.suppress(OSError):  # something is in it, or it is somebody's mount
                os.rmdir(path)
        os.close(descriptor)


def _acquire(directory: str, deadline: float) -> int:
    while True:
        try:
            os.makedirs(directory, exist_ok=True)
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, FileExistsError, NotADirectoryError) as exc:
            # Somebody's end may have come in between, who took the directory away.
            if time.monotonic() < deadline and not _is_no_directory(exc.filename):
                continue
            raise CrossbuildError(f"{directory} cannot be made: {exc.filename} is there and is no directory.") from exc
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(descriptor)
            if time.monotonic() >= deadline:
                others = ", ".join(holders([directory])) or "a process that is not to be seen from here"
                raise CrossbuildError(
                    f"Another run works on this host, and was waited for in vain: {others} holds the lock on {directory}."
                    " Wait for it or end it, and run this again."
                ) from exc
            time.sleep(0.1)
            continue
        # The one that was waited for may have removed the directory at its end.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(directory), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)


def _is_no_directory(path: str) -> bool:
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return True
