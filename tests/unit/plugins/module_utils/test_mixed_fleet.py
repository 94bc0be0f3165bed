# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On hosts of every kind: what is native gets no entry, and nobody may take it over."""

from __future__ import annotations

import ctypes
import os
from types import SimpleNamespace

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _platform
from ansible_collections.trusted.crossbuild.plugins.module_utils._registration import _asked_for

ASKED = ["amd64", "386", "arm64", "arm/v7", "s390x"]
NOT_CUSTOM = dict.fromkeys(("name", "magic", "mask", "extension", "interpreter"), None)


@pytest.mark.parametrize(
    ("machine", "has_32_bit_mode", "entries"),
    [
        ("x86_64", True, {"qemu-aarch64", "qemu-arm", "qemu-s390x"}),
        ("aarch64", True, {"qemu-x86_64", "qemu-i386", "qemu-s390x"}),
        ("aarch64", False, {"qemu-x86_64", "qemu-i386", "qemu-s390x", "qemu-arm"}),
        ("s390x", True, {"qemu-x86_64", "qemu-i386", "qemu-aarch64", "qemu-arm"}),
    ],
)
def test_entries_are_for_what_is_not_native(
    monkeypatch: pytest.MonkeyPatch, machine: str, has_32_bit_mode: bool, entries: set[str]
) -> None:
    # This is none of these processors, so what they say is made up here.
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine, release="6.1.0"))
    monkeypatch.setattr(_platform, "_has_32_bit_mode", lambda: has_32_bit_mode)
    _platforms, formats = _asked_for({**NOT_CUSTOM, "platforms": ASKED, "state": "present"})
    assert {form.name for form in formats} == entries


@pytest.mark.parametrize(("refused", "expected"), [(False, True), (True, False)])
def test_the_kernel_is_asked_whether_there_is_a_32_bit_mode(
    monkeypatch: pytest.MonkeyPatch, refused: bool, expected: bool
) -> None:
    """As arm64 kernels answer (arch/arm64/kernel/sys.c): -1 where there is none, otherwise what it was before."""
    calls = []

    def personality(asked: int) -> int:
        calls.append(asked)
        return -1 if refused and asked == 0x0008 else 0x40000

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(personality=personality))
    assert _platform._has_32_bit_mode() is expected
    assert calls == [0xFFFFFFFF, 0x0008, *([] if refused else [0x40000])]
