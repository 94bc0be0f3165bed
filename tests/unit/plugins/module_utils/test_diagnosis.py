# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reasons that an execution alone cannot tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import Entry
from ansible_collections.trusted.crossbuild.plugins.module_utils._diagnosis import Interpreter, Table, diagnose
from ansible_collections.trusted.crossbuild.plugins.module_utils._elf import binfmt_magic
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe import Proof
from ansible_collections.trusted.crossbuild.plugins.module_utils._reason import Reason

ARM = parse("arm")
ENTRY = Entry("qemu-arm", "/usr/bin/qemu-arm", *binfmt_magic(ARM.arch), flags="POF")
LATER = replace(ENTRY, name="later", flags="P")
DISABLED = replace(ENTRY, enabled=False)
STATIC, DYNAMIC, OTHER = Interpreter("static", True), Interpreter("dynamic", True), Interpreter()
UNKNOWN, UNFIXED, GONE = Reason.NOT_REGISTERED, Reason.NOT_FIXED, Reason.INTERPRETER_MISSING


def table(*entries: Entry, **state: bool) -> Table:
    return Table("/binfmt", list(entries), **state)


@pytest.mark.parametrize(
    ("seen", "found", "interpreter", "reason", "words"),
    [
        (UNKNOWN, table(), None, UNKNOWN, "Register the emulator"),
        (UNKNOWN, table(own=True), None, UNKNOWN, "a user namespace with a table of its own"),
        (UNKNOWN, table(own=True, hiding=True), None, Reason.WRONG_INSTANCE, "hides another one"),
        (UNKNOWN, table(ENTRY), STATIC, Reason.WRONG_INSTANCE, "the kernel does not heed it"),
        (UNKNOWN, table(ENTRY), OTHER, Reason.NO_PROGRAM, "/usr/bin/qemu-arm, of the entry qemu-arm"),
        (UNKNOWN, table(DISABLED), None, Reason.DISABLED, "entry qemu-arm is disabled"),
        (UNKNOWN, table(ENTRY, switched_on=False), None, Reason.DISABLED, "echo 1 > /binfmt/status"),
        (UNFIXED, table(LATER, ENTRY), STATIC, Reason.SHADOWED, "entry later, registered later"),
        (UNFIXED, table(LATER), STATIC, UNFIXED, "flag F"),
        (UNFIXED, table(ENTRY), DYNAMIC, Reason.NOT_STATIC, "/usr/bin/qemu-arm is dynamically linked"),
        (GONE, table(ENTRY), DYNAMIC, Reason.NOT_STATIC, "a dynamic one finds its libraries in no container"),
        (GONE, table(ENTRY), OTHER, GONE, "Install the emulator"),
        (Reason.HUNG, table(ENTRY), DYNAMIC, Reason.HUNG, "Install another version"),
    ],
)
def test_reasons(seen: Reason, found: Table, interpreter: Interpreter | None, reason: Reason, words: str) -> None:
    told, explanation = diagnose(ARM, Proof(False, reason=seen), found, interpreter)
    assert told is reason
    assert words in explanation


def test_what_works_has_no_reason() -> None:
    assert diagnose(ARM, Proof(True, isolated=True, argv0=True), table(ENTRY), STATIC) == (None, "")


def test_what_could_not_be_proven_is_said() -> None:
    reason, explanation = diagnose(ARM, Proof(True, argv0=True), table(ENTRY), STATIC)
    assert reason is None
    assert "become: true" in explanation
