# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a platform's programs do not run, or not as they should: a closed set, with what to do about each."""

from __future__ import annotations

import enum


class Reason(str, enum.Enum):
    """One word for each way not to run. The first group an execution cannot tell; see _diagnosis.py."""

    DISABLED = "disabled"
    SHADOWED = "shadowed"
    NOT_STATIC = "not_static"
    NO_PROGRAM = "no_program"
    WRONG_INSTANCE = "wrong_instance"

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
    Reason.DISABLED: "Register it again (trusted.crossbuild.binfmt).",
    Reason.SHADOWED: (
        "Remove the later entry where it comes from, or have it replaced (trusted.crossbuild.binfmt, conflict: replace)."
    ),
    Reason.NOT_STATIC: (
        "Install a static emulator (trusted.crossbuild.qemu_user_static) and register that: a dynamic one finds its"
        " libraries in no container, whatever its flags."
    ),
    Reason.NO_PROGRAM: "Install the emulator again, for this host's own processor, and register it again.",
    Reason.WRONG_INSTANCE: (
        "Register the emulator in this user namespace (trusted.crossbuild.binfmt), or unmount its own binfmt_misc"
        " before anything is registered there, so that the host's table serves it."
    ),
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


def sentence(reason: Reason, detail: str = "") -> str:
    """What is wrong and what to do, in one line."""
    observed = f" ({detail})" if detail else ""
    return f"{reason.value.replace('_', ' ')}{observed}. {REMEDIES[reason]}"
