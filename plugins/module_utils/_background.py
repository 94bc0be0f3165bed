# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's work in a process of its own, which goes on when the connection to the host ends.

The module's first process makes a directory for the job, starts the second one and waits for it. Work about which there
is nothing to tell is answered at once, as if there were no second process. As soon as there is, the first process
answers ``{"_crossbuild_job": DIRECTORY}``, and the second goes on without terminal and connection. Then the module is
called again to wait for the job, and gives its answer. The directory holds:

    running   the second process: its number, and when it started, as in /proc/PID/stat
    done      the same file: its new name means that the answer is complete
    stdout    the module's answer
    stderr
    progress  see _progress

Everything that the answer needs is there from the beginning: a build may fail because it has filled the disk, and then
that must still be said.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import shutil
import sys
import tempfile
import time
from typing import Any, Callable, NoReturn

from ._errors import CrossbuildError

# Seconds that the first process waits while there is nothing to tell: comparing a large context may take long.
_LONGEST = 10.0
# Seconds between two looks at a job that somebody waits for.
_LOOK = 0.1
# Seconds after which the directory of a job that ended is nobody's: a controller would long have asked for its answer.
_FORGOTTEN = 24 * 3600
# Bytes that are kept free for the answer.
_ANSWER = 64 * 1024
_PREFIX = "crossbuild-"


def followed(
    use_case: Callable[[dict[str, Any], bool], dict[str, Any]],
) -> Callable[[dict[str, Any], bool], dict[str, Any]]:
    """The use case, where an action plugin follows it by the option ``_progress`` in a process of its own.

    The plugin gives in ``_progress`` either ``jobs``, the directory for a new job, or ``job``, one to wait for. The use
    case finds there ``file``, where to tell what it does.
    """

    def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        wanted = params["_progress"] or {}
        if "job" in wanted:
            wait(wanted["job"])
        job = start(wanted["jobs"]) if "jobs" in wanted else None
        file = progress(job) if job else None
        return use_case({**params, "_progress": {**wanted, "file": file}}, check_mode)

    return run


def start(directory: str) -> str | None:
    """Returns in a second process, with the job's directory, which is made below ``directory``.

    In the first one it does not return: that gives the second one's answer as its own, or the job, and ends. Where no
    job can be made, it returns None in the only process there is.
    """
    job = _make(directory)
    if job is None:
        return None
    ended, ending = os.pipe()
    if os.fork():
        os.close(ending)
        if _silent(ended, progress(job)):
            _answer(job)
            shutil.rmtree(job)
        else:
            # Nothing may be imported here: the second process, when it ends, takes the module's files away.
            _write_all(1, json.dumps({"_crossbuild_job": job}).encode("ascii"))
        # Not by way of what cleans up: that is the second process's, which runs from the same files.
        os._exit(0)
    os.close(ended)  # and the other end goes with the process
    _settle(job)
    # At the very end: what an exception says is written late.
    atexit.register(_done, job)
    return job


def progress(job: str) -> str:
    """The file in which a job tells what it does."""
    return os.path.join(job, "progress")


def _silent(ended: int, told: str) -> bool:
    """Waits for the second process, which holds the other end of ``ended``. Whether it ended without a word."""
    deadline = time.monotonic() + _LONGEST
    while not select.select([ended], [], [], _LOOK)[0]:
        if os.path.exists(told) or time.monotonic() > deadline:
            return False
    return not os.path.exists(told)


def wait(job: str) -> NoReturn:
    """Waits for a job and gives its answer as this process's own. Raises CrossbuildError where there will be none."""
    while _runs(job):
        time.sleep(_LOOK)
    _answer(job)
    raise SystemExit(0)


def _make(directory: str) -> str | None:
    """A directory that only this user can look into; None where there can be none, as on a file system that is full."""
    job = None
    try:
        directory = os.path.expanduser(directory)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        _sweep(directory)
        job = tempfile.mkdtemp(prefix=_PREFIX, dir=directory)
        _write(job, "running", b"")
        _write(job, "stdout", bytes(_ANSWER))
        _write(job, "stderr", b"")
    except OSError:
        if job:
            shutil.rmtree(job)
        return None
    return job


def _sweep(directory: str) -> None:
    """Removes this user's jobs whose controller never came back for the answer."""
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if name.startswith(_PREFIX) and _is_forgotten(path):
            shutil.rmtree(path, ignore_errors=True)  # another task may be sweeping the same


def _is_forgotten(job: str) -> bool:
    try:
        found = os.lstat(job)
    except FileNotFoundError:  # another task swept it
        return False
    return found.st_uid == os.geteuid() and time.time() - found.st_mtime > _FORGOTTEN and not _runs(job)


def _settle(job: str) -> None:
    """Leaves terminal, connection and process group; files take the place of the three streams."""
    os.setsid()
    _write(job, "running", f"{os.getpid()} {_started(os.getpid())}\n".encode("ascii"))
    for descriptor, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, os.path.join(job, "stdout"), os.O_WRONLY),
        (2, os.path.join(job, "stderr"), os.O_WRONLY),
    ):
        opened = os.open(name, flags)
        os.dup2(opened, descriptor)
        os.close(opened)


def _started(pid: int) -> str:
    """When a process started, in the kernel's own unit; empty where it does not run.

    With the number it names one process, also after a reboot.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # The second field is the program's name in brackets, which may itself hold blanks and brackets.
            state, *others = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    # A killed one stays as a zombie where nobody collects it, as in containers without an init process.
    return "" if state == "Z" else others[18]


def _runs(job: str) -> bool:
    try:
        pid, started = _read(job, "running").decode("ascii").split()
    except (FileNotFoundError, ValueError):  # it is done; or its process never came to write who it is
        return False
    return _started(int(pid)) == started


def _done(job: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.ftruncate(1, os.lseek(1, 0, os.SEEK_CUR))
    os.rename(os.path.join(job, "running"), os.path.join(job, "done"))


def _answer(job: str) -> None:
    """Gives a job's answer as this process's own. Raises CrossbuildError where the job left none."""
    if not os.path.exists(os.path.join(job, "done")):
        raise CrossbuildError(
            "The process that built ended without an answer: it was killed, or the host was started anew. Run the task"
            f" again; what it had done by then counts. (Its directory was {job}.)",
            host_fault=True,
        )
    for stream, name in ((1, "stdout"), (2, "stderr")):
        _write_all(stream, _read(job, name))


def _read(job: str, name: str) -> bytes:
    with open(os.path.join(job, name), "rb") as file:
        return file.read()


def _write(job: str, name: str, content: bytes) -> None:
    with open(os.path.join(job, name), "wb") as file:
        file.write(content)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
