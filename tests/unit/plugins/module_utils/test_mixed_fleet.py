# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On hosts of every kind: what is native gets no entry, and nobody may take it over."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._registration import _asked_for

ASKED = ["amd64", "386", "arm64", "arm/v7", "s390x"]
NOT_CUSTOM = dict.fromkeys(("name", "magic", "mask", "extension", "interpreter"), None)


@pytest.mark.parametrize(
    ("machine", "entries"),
    [
        ("x86_64", {"qemu-aarch64", "qemu-arm", "qemu-s390x"}),
        ("aarch64", {"qemu-x86_64", "qemu-i386", "qemu-s390x"}),
        ("s390x", {"qemu-x86_64", "qemu-i386", "qemu-aarch64", "qemu-arm"}),
    ],
)
def test_entries_are_for_what_is_not_native(monkeypatch: pytest.MonkeyPatch, machine: str, entries: set[str]) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine, release="6.1.0"))
    _platforms, formats = _asked_for({**NOT_CUSTOM, "platforms": ASKED, "state": "present"})
    assert {form.name for form in formats} == entries
