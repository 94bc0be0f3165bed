# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import Entry
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_support import entries

# As update-binfmts 2.2.2 wrote them.
FILES = {
    "ext1": "foo\nextension\n0\nfoo\n\n/bin/true\n\n\n\n\n",
    "python3.11": "python3.11\nmagic\n0\n\\xa7\\x0d\\x0d\\x0a\n\n/usr/bin/python3.11\n\n\n\n\n",
    "qemu-arm": (
        "qemu-user-static\nmagic\n0\n"
        "\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x28\\x00\n"
        "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff\n"
        "/usr/libexec/qemu-binfmt/arm-binfmt-P\n\nno\nyes\nyes\n"
    ),
    "all-flags": ":\nmagic\n4\n\\x7fTST\n\\xff\\xff\\xff\\xff\n/bin/true\n\nyes\nyes\nyes\n",
}


def test_its_database_is_read(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    magic = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00\x28\x00"
    mask = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
    assert entries(str(tmp_path)) == [
        Entry("all-flags", "/bin/true", b"\x7fTST", b"\xff" * 4, 4, flags="POCF"),
        Entry("ext1", "/bin/true", extension="foo"),
        Entry("python3.11", "/usr/bin/python3.11", b"\xa7\r\r\n"),
        Entry("qemu-arm", "/usr/libexec/qemu-binfmt/arm-binfmt-P", magic, mask, flags="PF"),
    ]


def test_what_the_kernel_would_refuse_or_is_damaged_is_passed_over(tmp_path):
    (tmp_path / "empty").write_text("")
    (tmp_path / "short").write_text("package\nmagic\n")
    (tmp_path / "escape").write_text("package\nmagic\n0\n\\x7\n\n/bin/true\n\n\n\n\n")
    assert entries(str(tmp_path)) == []


def test_there_may_be_no_database(tmp_path):
    assert entries(str(tmp_path / "missing")) == []
