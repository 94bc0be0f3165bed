# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proof by execution: which platforms' programs run on this host, and how well."""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import resource
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from typing import Callable, Iterable, Iterator, NamedTuple

from ._errors import CrossbuildError
from ._platform import Architecture, Platform, host
from ._probe_programs import probe_program

# What a probe is called (its argv[0]), and so what it prints: as long as probe programs print, and no path.
_NAME = "CROSS"
_NOBODY = 65534
_SET_USER_ID_STATUS = (0 ^ _NOBODY) & 0xFF


class Reason(str, enum.Enum):
    """Why a platform's programs do not run, or not as they should."""

    NOT_REGISTERED = "not_registered"
    INTERPRETER_MISSING = "interpreter_missing"
    NOT_FIXED = "not_fixed"
    DENIED = "denied"
    REFUSED = "refused"
    CRASHED = "crashed"
    HUNG = "hung"
    WRONG_OUTPUT = "wrong_output"
    ARGV0_LOST = "argv0_lost"

    def __str__(self) -> str:
        return self.value


REMEDIES = {
    Reason.NOT_REGISTERED: (
        "Register the emulator (trusted.crossbuild.binfmt); if it is registered, its entry is disabled, belongs to"
        " another user namespace, or names an interpreter that is no program of this host."
    ),
    Reason.INTERPRETER_MISSING: (
        "Install the emulator (trusted.crossbuild.qemu_user_static) where its entry looks for it, or register it again."
    ),
    Reason.NOT_FIXED: (
        "Register a static emulator with flag F (fix_binary): as it is, containers cannot see the interpreter or, where"
        " it is dynamically linked, its libraries."
    ),
    Reason.DENIED: (
        "Make the emulator executable for everybody (mode 0755, no noexec mount), and look for a denial by SELinux or"
        " AppArmor in the audit log."
    ),
    Reason.REFUSED: "Look into the kernel log; an entry whose interpreter itself matches an entry also ends like this.",
    Reason.CRASHED: "Install another version of the emulator, fit for this kernel, and register it again.",
    Reason.HUNG: "Install another version of the emulator, or look for what keeps this host from answering.",
    Reason.WRONG_OUTPUT: "Register QEMU's emulator of this architecture: the entry's interpreter is something else.",
    Reason.ARGV0_LOST: (
        "Register with flag P (preserve_argv0); where it is set, the emulator does not heed it: QEMU does from 6.0 on,"
        " and Linux from 5.12 on tells it."
    ),
}

_REASONS_OF_ERRORS = {
    errno.ENOEXEC: Reason.NOT_REGISTERED,
    errno.ENOENT: Reason.INTERPRETER_MISSING,  # The probe itself is there, so it is its interpreter that is not.
    errno.EACCES: Reason.DENIED,
    errno.EPERM: Reason.DENIED,
}


@dataclass(frozen=True)
class Proof:
    """What the execution of one platform's probe proved.

    ``runs``: it ran, though perhaps not in a container. ``isolated``: it ran in a chroot which holds nothing else, so
    it does in containers (flag F, or natively); False also where chroot is not permitted. ``argv0``: its argv[0]
    arrived (flag P); None where it did not run. ``credentials``: its set-user-ID bit took effect (flag C); None where
    that was not asked, or cannot be told here. ``reason``: the first thing that is wrong, None if nothing is.
    ``detail``: what was observed, for people, such as ``signal 11 (SIGSEGV)``.

    It is proof for an architecture; that a variant's own instructions work (``v7``) it does not tell.
    """

    runs: bool
    isolated: bool = False
    argv0: bool | None = None
    credentials: bool | None = None
    reason: Reason | None = None
    detail: str = ""
    file: tuple[int, int] | None = None


def explain(proof: Proof) -> str:
    """What is wrong and what to do, in one line; empty if nothing is."""
    if proof.reason is None:
        return ""
    observed = f" ({proof.detail})" if proof.detail else ""
    return f"{proof.reason.value.replace('_', ' ')}{observed}. {REMEDIES[proof.reason]}"


def execute(platforms: Iterable[Platform], timeout: float = 10, credentials: bool = False) -> dict[Platform, Proof]:
    """Runs a tiny program of every platform, all at the same time, and tells what that proved.

    With ``credentials`` each is run once more as another user, with its set-user-ID bit set; that takes root. A
    platform that takes longer than ``timeout`` seconds is taken for hung. Raises CrossbuildError where there is no
    directory to run programs from.

    Not for a process with threads of its own: between fork and exec Python code runs in the child.
    """
    wanted = list(platforms)
    architectures = {platform.architecture: platform.arch for platform in wanted}
    with _rooms(_with_control(architectures) if credentials else architectures) as rooms:
        proofs = _prove({name: rooms[name] for name in architectures}, timeout)
        if credentials:
            proofs = _prove_credentials(rooms, proofs, timeout)
    return {platform: proofs[platform.architecture] for platform in wanted}


def _prove(rooms: dict[str, str], timeout: float) -> dict[str, Proof]:
    outcomes = _run_all({name: _Probe(room, chroot=True) for name, room in rooms.items()}, timeout)
    proofs = {name: replace(_judge(outcome), isolated=_ran(outcome)) for name, outcome in outcomes.items()}
    missing = {name for name, proof in proofs.items() if proof.reason is Reason.INTERPRETER_MISSING}
    again = missing | {name for name, outcome in outcomes.items() if not outcome.entered}
    outcomes = _run_all({name: _Probe(rooms[name], chroot=False) for name in again}, timeout)
    for name, outcome in outcomes.items():
        proofs[name] = _judge(outcome)
        if proofs[name].runs and name in missing:
            proofs[name] = replace(proofs[name], reason=Reason.NOT_FIXED, detail="it runs outside of containers only")
    return proofs


def _with_control(architectures: dict[str, Architecture]) -> dict[str, Architecture]:
    return {**architectures, host().architecture: host().arch}


def _prove_credentials(rooms: dict[str, str], proofs: dict[str, Proof], timeout: float) -> dict[str, Proof]:
    # The host's own program is the control: where its bit has no effect either (nosuid, no_new_privs, not root),
    # nothing can be told about an emulated one.
    control = host().architecture
    names = {control} | {name for name, proof in proofs.items() if proof.isolated}
    for name in names:
        os.chmod(os.path.join(rooms[name], "probe"), 0o4755)
    outcomes = _run_all({name: _Probe(rooms[name], chroot=True, user=_NOBODY) for name in names}, timeout)
    if outcomes[control].status != _SET_USER_ID_STATUS:
        return proofs
    known: dict[int | None, bool] = {_SET_USER_ID_STATUS: True, 0: False}
    return {
        name: replace(proof, credentials=known.get(outcomes[name].status) if name in names else None)
        for name, proof in proofs.items()
    }


class _Outcome(NamedTuple):
    """What became of one run. ``status``: as subprocess has it, None where it did not end or did not start."""

    program: str
    entered: bool = True
    error: int = 0
    status: int | None = None
    output: bytes = b""
    complaint: str = ""


def _ran(outcome: _Outcome) -> bool:
    return _judge(outcome).runs


def _judge(outcome: _Outcome) -> Proof:
    if not outcome.entered:
        return Proof(False, reason=Reason.REFUSED, detail="entering a chroot is not permitted")
    if outcome.error:
        reason = _REASONS_OF_ERRORS.get(outcome.error, Reason.REFUSED)
        return Proof(False, reason=reason, detail=os.strerror(outcome.error))
    if outcome.status is None:
        return Proof(False, reason=Reason.HUNG, detail=_observed("no answer in time", outcome))
    if outcome.status < 0:
        return Proof(False, reason=Reason.CRASHED, detail=_observed(_signal_words(-outcome.status), outcome))
    if outcome.status == (os.getuid() ^ os.geteuid()) & 0xFF:
        if outcome.output == _NAME.encode():
            return Proof(True, argv0=True)
        # Without flag P the kernel puts the program's path into the place of its name.
        if outcome.output == os.fsencode(outcome.program)[: len(_NAME)]:
            return Proof(True, argv0=False, reason=Reason.ARGV0_LOST, detail="it got its path as its name")
    words = f"status {outcome.status}, output {outcome.output[:40]!r}"
    return Proof(False, reason=Reason.WRONG_OUTPUT, detail=_observed(words, outcome))


def _observed(words: str, outcome: _Outcome) -> str:
    return f"{words}: {outcome.complaint}" if outcome.complaint else words


def _signal_words(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


class _Probe:
    """One run of the program in a room, in the room as its root directory or in place."""

    def __init__(self, room: str, chroot: bool, user: int | None = None) -> None:
        self.room = room
        self.program = os.path.join("/" if chroot else room, "probe")
        self.outcome = _Outcome(self.program)
        self.process: subprocess.Popen[bytes] | None = None
        self._prepare = _preparation(room if chroot else None, user)

    def start(self) -> None:
        # Files and not pipes: what an interpreter leaves running in the background cannot keep us waiting for the end.
        with open(self.room + ".out", "wb") as out, open(self.room + ".err", "wb") as err:
            try:
                # Nothing of the environment, as QEMU takes options from it. close_fds would have the child read /proc,
                # which a chroot does not have, and else try every number up to a limit that may be a thousand million.
                self.process = subprocess.Popen(
                    [_NAME],
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

    def finish(self, deadline: float) -> _Outcome:
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, deadline - time.monotonic()))
            status = self.process.poll()
            self.outcome = self.outcome._replace(
                status=status, output=_read(self.room + ".out"), complaint=_first_line(_read(self.room + ".err"))
            )
        return self.outcome

    def kill(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        # One that the kernel does not let go of stays behind, rather than keeping us.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)


def _preparation(root: str | None, user: int | None) -> Callable[[], None]:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if root is not None:
            os.chroot(root)
            os.chdir("/")
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)

    return prepare


def _run_all(probes: dict[str, _Probe], timeout: float) -> dict[str, _Outcome]:
    deadline = time.monotonic() + timeout
    try:
        for probe in probes.values():
            probe.start()
        return {name: probe.finish(deadline) for name, probe in probes.items()}
    finally:
        for probe in probes.values():
            probe.kill()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(1000)


def _first_line(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip().partition("\n")[0][:200]


@contextlib.contextmanager
def _rooms(architectures: dict[str, Architecture]) -> Iterator[dict[str, str]]:
    """A directory for each architecture that holds its probe and nothing else; gone afterwards."""
    base = _base()
    # Its mode 0700 keeps everybody else away from the set-user-ID programs in it.
    with tempfile.TemporaryDirectory(prefix="crossbuild-probe-", dir=base) as top:
        rooms = {name: os.path.join(top, name) for name in architectures}
        try:
            for name, room in rooms.items():
                _furnish(room, probe_program(architectures[name]))
        except OSError as error:
            raise CrossbuildError(
                f"Cannot write the probe programs to {base}: {error.strerror}. Set TMPDIR to a directory that has room."
            ) from error
        yield rooms


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
