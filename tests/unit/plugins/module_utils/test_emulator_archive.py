# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import tarfile

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._emulator_archive import choose_members
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


def member(name: str, link: str = "", kind: bytes = tarfile.REGTYPE, mode: int = 0o755) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    if link:
        info.type, info.linkname = (tarfile.SYMTYPE if kind == tarfile.REGTYPE else kind), link
    return info


@pytest.mark.parametrize(
    ("members", "chosen"),
    [
        ([member("usr/bin/qemu-arm-static")], {"arm": "usr/bin/qemu-arm-static"}),
        ([member("./qemu-arm"), member("./qemu-arm-static")], {"arm": "./qemu-arm-static"}),
        ([member("/bin/qemu-arm"), member("bin/qemu-s390x")], {"arm": "/bin/qemu-arm", "s390x": "bin/qemu-s390x"}),
        ([member("qemu-arm-static", "qemu-arm"), member("qemu-arm")], {"arm": "qemu-arm"}),
        ([member("a/qemu-arm", "/b/program"), member("b/program")], {"arm": "b/program"}),
        ([member("a/qemu-arm", "b/program", tarfile.LNKTYPE), member("b/program")], {"arm": "b/program"}),
        # Settings of the same name, and names that only begin alike.
        ([member("share/binfmts/qemu-arm", mode=0o644), member("bin/qemu-arm")], {"arm": "bin/qemu-arm"}),
        (
            [member("bin/qemu-arm-static.bak"), member("bin/qemu-armeb"), member("bin/qemu-arm")],
            {"arm": "bin/qemu-arm"},
        ),
        ([member("qemu-arm", kind=tarfile.DIRTYPE), member("qemu-arm/qemu-arm")], {"arm": "qemu-arm/qemu-arm"}),
    ],
)
def test_which_files_are_taken(members, chosen):
    assert {qemu: info.name for qemu, info in choose_members(members, "a.tar").items()} == chosen


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], "holds no emulator.* It holds nothing"),
        ([member("readme")], "holds no emulator.* It holds readme"),
        ([member("qemu-arm", "../../etc/passwd")], "leads out of the archive"),
        ([member("a/qemu-arm", "../../b")], "leads out of the archive"),
        ([member("qemu-arm", "/etc/passwd")], "which is not in it"),
        ([member("qemu-arm", "qemu-arm")], "without an end"),
        ([member("qemu-arm", kind=tarfile.FIFOTYPE)], "a device or pipe"),
        ([member("qemu-arm", "sda"), member("sda", kind=tarfile.BLKTYPE)], "a device or pipe"),
    ],
)
def test_what_is_refused(members, words):
    with pytest.raises(CrossbuildError, match=words):
        choose_members(members, "a.tar")
