# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which emulator the steps of a build need."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _emulators
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform


@pytest.mark.parametrize(
    ("platform", "host", "emulator"),
    [
        (Platform("arm", "v7"), Platform("amd64"), "qemu-arm"),
        (Platform("arm64"), Platform("amd64"), "qemu-aarch64"),
        (Platform("amd64"), Platform("amd64"), None),
        (Platform("386"), Platform("amd64"), None),
        (Platform("amd64"), Platform("386"), "qemu-x86_64"),
        (Platform("arm", "v6"), Platform("arm", "v7"), None),
    ],
)
def test_who_runs_a_platforms_programs(
    monkeypatch: pytest.MonkeyPatch, platform: Platform, host: Platform, emulator: str | None
) -> None:
    # Which of them are installed depends on the machine.
    monkeypatch.setattr(_emulators, "find", lambda architecture: f"qemu-{architecture.qemu}")
    assert _emulators.used_for(platform, host) == emulator
