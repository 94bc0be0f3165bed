# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a platform does not run: what its execution showed, read together with the kernel's entries."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ._binfmt_entry import Entry
from ._platform import Platform, host, same_family
from ._probe import Proof, explain
from ._probe_programs import probe_program
from ._reason import REMEDIES, Reason, sentence

_CONTAINERS_UNPROVEN = (
    "It runs; whether in containers, too, is not proven, as that takes entering a chroot. Ask as root (become: true)."
)
_NOT_NATIVE = " This kernel or processor does not run it natively."
_NAMESPACE = (
    " This is a user namespace with a table of its own; entries of the host's, if there are any, do not count here."
)


@dataclass(frozen=True)
class Table:
    """The kernel's entries as they are seen here, the one registered last first.

    ``switched_on``: binfmt_misc as a whole. ``own``: the table is that of a user namespace. ``hiding``: it covers
    another one, whose entries then do not count.
    """

    path: str
    entries: list[Entry]
    switched_on: bool = True
    own: bool = False
    hiding: bool = False


@dataclass(frozen=True)
class Interpreter:
    """The file at an entry's path. ``linkage``: None where it is no ELF program; ``native``: this host can run it."""

    linkage: str | None = None
    native: bool = False


def diagnose(
    platform: Platform, proof: Proof, table: Table, interpreter: Interpreter | None
) -> tuple[Reason | None, str]:
    """The reason, and it as a sentence with what to do; None where nothing is wrong."""
    if proof.reason is None:
        return None, "" if proof.isolated else _CONTAINERS_UNPROVEN
    matching = [entry for entry in table.entries if replace(entry, enabled=True).matches(probe_program(platform.arch))]
    enabled = [entry for entry in matching if entry.enabled]
    if matching and not table.switched_on:
        return Reason.DISABLED, f"binfmt_misc is switched off as a whole. Switch it on: echo 1 > {table.path}/status"
    if matching and not enabled:
        return Reason.DISABLED, f"The entry {matching[0].name} is disabled. {REMEDIES[Reason.DISABLED]}"
    if proof.reason is Reason.NOT_REGISTERED:
        return _not_taken(platform, proof, table, enabled, interpreter)
    if len(enabled) > 1 and {"P", "F"} <= set(enabled[1].flags):
        first, second = enabled[0].name, enabled[1].name
        words = f"The entry {first}, registered later, takes the programs from the entry {second}: {explain(proof)}"
        return Reason.SHADOWED, f"{words} {REMEDIES[Reason.SHADOWED]}"
    # Its loader is not found in the chroot, or is not there at all.
    dynamic = interpreter is not None and interpreter.linkage == "dynamic"
    if dynamic and proof.reason in (Reason.NOT_FIXED, Reason.INTERPRETER_MISSING):
        return Reason.NOT_STATIC, sentence(Reason.NOT_STATIC, f"{enabled[0].interpreter} is dynamically linked")
    return proof.reason, explain(proof)


def _not_taken(
    platform: Platform, proof: Proof, table: Table, enabled: list[Entry], interpreter: Interpreter | None
) -> tuple[Reason, str]:
    """The kernel said that it knows nothing to run the program by."""
    if enabled and interpreter is not None and interpreter.native:
        seen = f"the table at {table.path} has the entry {enabled[0].name}, and the kernel does not heed it"
        return Reason.WRONG_INSTANCE, sentence(Reason.WRONG_INSTANCE, f"{seen}: it is another user namespace's")
    if enabled:
        detail = f"{enabled[0].interpreter}, of the entry {enabled[0].name}, is no program that this host runs"
        return Reason.NO_PROGRAM, sentence(Reason.NO_PROGRAM, detail)
    if table.hiding:
        seen = f"the table at {table.path} is this user namespace's own, has no entry for it, and hides another one"
        return Reason.WRONG_INSTANCE, sentence(Reason.WRONG_INSTANCE, seen)
    words = explain(proof) + (_NAMESPACE if table.own else "")
    return Reason.NOT_REGISTERED, words + (_NOT_NATIVE if same_family(platform, host()) else "")
