# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proof by execution: which platforms' programs run on this host, and how well."""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import dataclass, replace
from typing import Iterable

from ._architectures import Architecture
from ._platform import Platform, host
from ._probe_programs import probe_program
from ._probe_run import NAME, Outcome, Run, rooms, run_all, set_user_id
from ._readdir_programs import FITS, OVERFLOWS, readdir_program
from ._reason import Reason, sentence

_NOBODY = 65534
_SET_USER_ID_STATUS = (0 ^ _NOBODY) & 0xFF

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
    that was not asked, or cannot be told here. ``readdir``: a 32-bit program without large-file support can list the
    directory asked about; None for others, and where that was not asked or it cannot be opened. ``reason``: the first
    thing that is wrong, None if nothing is. ``detail``: what was observed, for people, such as ``signal 11 (SIGSEGV)``.
    ``file``: device and inode number, as of os.stat, of the file that the kernel ran it by: the emulator (behind flag F
    the one that was at its path when it was registered, whatever is there now), natively the probe itself; None where
    that could not be seen.

    It is proof for an architecture; that a variant's own instructions work (``v7``) it does not tell.
    """

    runs: bool
    isolated: bool = False
    argv0: bool | None = None
    credentials: bool | None = None
    readdir: bool | None = None
    reason: Reason | None = None
    detail: str = ""
    file: tuple[int, int] | None = None


def explain(proof: Proof) -> str:
    """What is wrong and what to do, in one line; empty if nothing is."""
    return sentence(proof.reason, proof.detail) if proof.reason else ""


def execute(
    platforms: Iterable[Platform], timeout: float = 10, credentials: bool = False, directory: str | None = None
) -> dict[Platform, Proof]:
    """Runs a tiny program of every platform, all at the same time, and tells what that proved.

    With ``credentials`` each is run once more as another user, with its set-user-ID bit set; that takes root. With
    ``directory`` those of 32 bits list it, too. A platform that takes longer than ``timeout`` seconds is taken for
    hung. Raises CrossbuildError where there is no directory to run programs from.

    Not for a process with threads of its own: between fork and exec Python code runs in the child.
    """
    wanted = list(platforms)
    architectures = {platform.architecture: platform.arch for platform in wanted}
    with rooms(_programs(architectures, credentials, directory)) as found:
        proofs = _prove({name: found[name] for name in architectures}, timeout)
        if credentials:
            proofs = _prove_credentials(found, proofs, timeout)
        if directory is not None:
            proofs = _prove_readdir(found, proofs, directory, timeout)
    return {platform: proofs[platform.architecture] for platform in wanted}


def _programs(architectures: dict[str, Architecture], credentials: bool, directory: str | None) -> dict[str, bytes]:
    """The program for each room, by the room's name."""
    probed = {**architectures, host().architecture: host().arch} if credentials else architectures
    programs = {name: probe_program(arch) for name, arch in probed.items()}
    if directory is not None:
        listing = {_readdir_room(name): readdir_program(arch) for name, arch in architectures.items()}
        programs.update({room: program for room, program in listing.items() if program})
    return programs


def _readdir_room(name: str) -> str:
    return f"{name}-readdir"


def _prove(paths: dict[str, str], timeout: float) -> dict[str, Proof]:
    outcomes = run_all({name: Run(path, chroot=True) for name, path in paths.items()}, timeout)
    proofs = {name: replace(_judge(outcome), isolated=_ran(outcome)) for name, outcome in outcomes.items()}
    missing = {name for name, proof in proofs.items() if proof.reason is Reason.INTERPRETER_MISSING}
    again = missing | {name for name, outcome in outcomes.items() if not outcome.entered}
    outcomes = run_all({name: Run(paths[name], chroot=False) for name in again}, timeout)
    for name, outcome in outcomes.items():
        proofs[name] = _judge(outcome)
        if proofs[name].runs and name in missing:
            proofs[name] = replace(proofs[name], reason=Reason.NOT_FIXED, detail="it runs outside of containers only")
    return proofs


def _prove_credentials(paths: dict[str, str], proofs: dict[str, Proof], timeout: float) -> dict[str, Proof]:
    # The host's own program is the control: where its bit has no effect either (nosuid, no_new_privs, not root),
    # nothing can be told about an emulated one.
    control = host().architecture
    names = {control} | {name for name, proof in proofs.items() if proof.isolated}
    for name in names:
        set_user_id(paths[name])
    outcomes = run_all({name: Run(paths[name], chroot=True, user=_NOBODY) for name in names}, timeout)
    if outcomes[control].status != _SET_USER_ID_STATUS:
        return proofs
    known: dict[int | None, bool] = {_SET_USER_ID_STATUS: True, 0: False}
    return {
        name: replace(proof, credentials=known.get(outcomes[name].status) if name in names else None)
        for name, proof in proofs.items()
    }


def _prove_readdir(paths: dict[str, str], proofs: dict[str, Proof], directory: str, timeout: float) -> dict[str, Proof]:
    # In place, since the directory is to be seen, and so the interpreter is seen as well: flag F does not matter here.
    names = [name for name, proof in proofs.items() if proof.runs and _readdir_room(name) in paths]
    runs = {name: Run(paths[_readdir_room(name)], chroot=False, directory=directory) for name in names}
    known: dict[int | None, bool] = {FITS: True, OVERFLOWS: False}
    found = {name: known.get(outcome.status) for name, outcome in run_all(runs, timeout).items()}
    return {name: replace(proof, readdir=found.get(name)) for name, proof in proofs.items()}


def _ran(outcome: Outcome) -> bool:
    return _judge(outcome).runs


def _judge(outcome: Outcome) -> Proof:
    return replace(_verdict(outcome), file=outcome.file)


def _verdict(outcome: Outcome) -> Proof:
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
        if outcome.output == NAME.encode():
            return Proof(True, argv0=True)
        # Without flag P the kernel puts the program's path into the place of its name.
        if outcome.output == os.fsencode(outcome.program)[: len(NAME)]:
            return Proof(True, argv0=False, reason=Reason.ARGV0_LOST, detail="it got its path as its name")
    words = f"status {outcome.status}, output {outcome.output[:40]!r}"
    return Proof(False, reason=Reason.WRONG_OUTPUT, detail=_observed(words, outcome))


def _observed(words: str, outcome: Outcome) -> str:
    return f"{words}: {outcome.complaint}" if outcome.complaint else words


def _signal_words(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
