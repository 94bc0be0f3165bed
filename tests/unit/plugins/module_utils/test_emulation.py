# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which entries go with the emulators. That emulators come and go is tested in the laboratory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dispatcher, _emulators
from ansible_collections.trusted.crossbuild.plugins.module_utils._emulation import _is_there
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program

SOURCE = (Path(__file__).parents[4] / "roles/accelerator/files/dispatcher.c").read_text()


def test_a_copy_with_the_dispatcher_goes_with_its_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored, packaged = tmp_path / "stored/qemu-arm-static", tmp_path / "packaged/qemu-arm-static"
    copy = tmp_path / "copies/qemu-arm-static"
    patterns = tuple(str(path.parent / "qemu-{qemu}-static") for path in (stored, packaged))
    monkeypatch.setattr(_emulators, "_PROGRAMS", patterns)
    monkeypatch.setattr(_dispatcher, "DIRECTORY", str(copy.parent))
    for path, end in ((stored, b"10"), (packaged, b"7")):
        path.parent.mkdir()
        path.write_bytes(probe_program(parse("amd64").arch) + end)

    _dispatcher.make(str(copy), str(packaged), SOURCE)
    assert _is_there(str(copy))
    _dispatcher.make(str(copy), str(stored), SOURCE)
    assert _is_there(str(copy))
    stored.unlink()
    # There is an emulator of that name still, but it is not the one that the kernel would run programs by.
    assert not _is_there(str(copy))
    assert _is_there(str(packaged))
    assert not _is_there(str(stored))
