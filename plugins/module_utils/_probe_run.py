# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running the probe programs, as the kernel runs them: each in a room of its own, all at the same time."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import signal
import subprocess
import tempfile
import time
from typing import Callable, Iterator, NamedTuple

from ._errors import CrossbuildError

# What a probe is called (its argv[0]), and so what it prints: as long as probe programs print, and no path.
NAME = "CROSS"
# More bytes than a pipe holds, unless somebody made it larger.
_PIPEFUL = 1 << 20
_OUTPUT_KEPT = 1000
# How often, in seconds, it is looked whether a program has ended whose end its output does not tell.
_PATIENCE = 0.005


class Outcome(NamedTuple):
    """What became of one run. ``status``: as subprocess has it, None where it did not end or did not start."""

    program: str
    entered: bool = True
    error: int = 0
    status: int | None = None
    output: bytes = b""
    complaint: str = ""
    file: tuple[int, int] | None = None


class Run:
    """One run of the program in a room: with the room as its root directory, or in place; in some working directory,
    as some user."""

    def __init__(self, room: str, chroot: bool, directory: str = "/", user: int | None = None) -> None:
        self.room = room
        self.program = os.path.join("/" if chroot else room, "probe")
        self.outcome = Outcome(self.program)
        self.process: subprocess.Popen[bytes] | None = None
        self._prepare = _preparation(room if chroot else None, directory, user)
        self._received = b""
        self.pipe, self._filler = -1, 0

    def start(self) -> None:
        # A full pipe holds the program up in its write, so that there is a moment in which it surely is to be seen.
        self.pipe, out, self._filler = _full_pipe()
        try:
            with open(self.room + ".err", "wb") as err:
                self._start(out, err.fileno())
        finally:
            os.close(out)
        if self.process is not None:
            self.outcome = self.outcome._replace(file=_file_run(self.process.pid))

    def _start(self, out: int, err: int) -> None:
        try:
            # Nothing of the environment, as QEMU takes options from it. close_fds would have the child read /proc,
            # which a chroot does not have, and else try every number up to a limit that may be a thousand million.
            self.process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                [NAME],
                executable=self.program,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={},
                close_fds=False,
                start_new_session=True,
                preexec_fn=self._prepare,
            )
        except OSError as error:
            self.outcome = self.outcome._replace(error=error.errno or errno.EIO)
        except subprocess.SubprocessError:
            self.outcome = self.outcome._replace(entered=False)

    def receive(self) -> bool:
        """Takes what is in the pipe, without waiting for it; False at the end of the output."""
        try:
            data = os.read(self.pipe, _PIPEFUL)
        except BlockingIOError:
            return True
        self._received = (self._received + data)[: self._filler + _OUTPUT_KEPT]
        return bool(data)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def result(self) -> Outcome:
        if self.process is None:
            return self.outcome
        status = self.process.poll()
        self.receive()
        return self.outcome._replace(
            status=status, output=self._received[self._filler :], complaint=_complaint(self.room + ".err")
        )

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self._kill(self.process)
        if self.pipe >= 0:
            os.close(self.pipe)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        # One that the kernel does not let go of stays behind, rather than keeping us.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)


def _full_pipe() -> tuple[int, int, int]:
    """A pipe that takes no more: where to read it, without waiting; where to write; how many bytes are in it."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    filler = os.write(writing, bytes(_PIPEFUL))
    os.set_blocking(writing, True)
    return reading, writing, filler


def _file_run(process: int) -> tuple[int, int] | None:
    """Device and inode number of the program that a process is; None where it is gone, or not ours to look at."""
    try:
        status = os.stat(f"/proc/{process}/exe")
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _preparation(root: str | None, directory: str, user: int | None) -> Callable[[], None]:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if root is not None:
            os.chroot(root)
        os.chdir(directory)
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)

    return prepare


def run_all(probes: dict[str, Run], timeout: float) -> dict[str, Outcome]:
    """What became of each; those that have not ended ``timeout`` seconds from now are killed."""
    deadline = time.monotonic() + timeout
    try:
        for probe in probes.values():
            probe.start()
        _wait([probe for probe in probes.values() if probe.process is not None], deadline)
        return {name: probe.result() for name, probe in probes.items()}
    finally:
        for probe in probes.values():
            probe.close()


def _wait(probes: list[Run], deadline: float) -> None:
    """Until all have ended. What they left running in the background may hold their output open; that is not awaited."""
    talking = {probe.pipe: probe for probe in probes}
    while any(probe.running() for probe in probes) and time.monotonic() < deadline:
        ready, _writable, _exceptional = select.select(list(talking), [], [], _PATIENCE)
        for pipe in ready:
            if not talking[pipe].receive():
                del talking[pipe]


def _complaint(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(1000).decode("utf-8", "replace").strip().partition("\n")[0][:200]


@contextlib.contextmanager
def rooms(programs: dict[str, bytes]) -> Iterator[dict[str, str]]:
    """A directory for each program that holds it, as ``probe``, and nothing else; gone afterwards.

    Raises CrossbuildError where there is no directory to run programs from.
    """
    base = _base()
    # Its mode 0700 keeps everybody else away from the set-user-ID programs in it.
    with tempfile.TemporaryDirectory(prefix="crossbuild-probe-", dir=base) as top:
        paths = {name: os.path.join(top, name) for name in programs}
        try:
            for name, path in paths.items():
                _furnish(path, programs[name])
        except OSError as error:
            raise CrossbuildError(
                f"Cannot write the probe programs to {base}: {error.strerror}. Set TMPDIR to a directory that has room."
            ) from error
        yield paths


def set_user_id(room: str) -> None:
    """Sets the set-user-ID bit of the program in a room."""
    os.chmod(os.path.join(room, "probe"), 0o4755)


def _furnish(room: str, program: bytes) -> None:
    os.mkdir(room)
    path = os.path.join(room, "probe")
    with open(path, "wb") as file:
        file.write(program)
    # The umask may have taken these away.
    os.chmod(path, 0o755)
    os.chmod(room, 0o755)


def _base() -> str:
    """Where programs may be written and run, preferably with their set-user-ID bit heeded."""
    candidates = [os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp", "/run", "/var/lib"]
    writable = [path for path in candidates if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)]
    flags = {path: os.statvfs(path).f_flag for path in writable}
    usable = [path for path in writable if not flags[path] & os.ST_NOEXEC]
    if not usable:
        looked = ", ".join(f"{path} ({'noexec' if path in flags else 'not writable'})" for path in candidates if path)
        raise CrossbuildError(
            f"There is nowhere to run the probe programs from: {looked}."
            " Set TMPDIR to a writable directory on a filesystem that is not mounted noexec."
        )
    return min(usable, key=lambda path: bool(flags[path] & os.ST_NOSUID))
