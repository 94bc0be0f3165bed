# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_boot import HEADER, BootConfiguration
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import Entry


@pytest.fixture
def directories(tmp_path):
    """As /etc, /run and /usr/lib: the first takes precedence."""
    paths = [tmp_path / name for name in ("etc", "run", "usr")]
    for path in paths:
        path.mkdir()
    return paths


@pytest.fixture
def boot(directories, tmp_path):
    return BootConfiguration([str(path) for path in directories] + [str(tmp_path / "missing")])


def line(name, interpreter="/bin/true"):
    return f":{name}:M::MZ::{interpreter}:\n"


def found(boot):
    return [(entry.name, entry.interpreter) for entry in boot.entries()]


def test_a_file_replaces_one_of_the_same_name_in_a_later_directory(boot, directories):
    etc, run, usr = directories
    (usr / "a.conf").write_text(line("one", "/usr/one") + line("two", "/usr/two"))
    (run / "a.conf").write_text(line("one", "/run/one"))
    assert found(boot) == [("one", "/run/one")]
    (etc / "a.conf").write_text(line("one", "/etc/one"))
    assert found(boot) == [("one", "/etc/one")]


def test_a_link_to_dev_null_and_an_empty_file_mask(boot, directories):
    etc, run, usr = directories
    for name in ("a", "b", "c"):
        (usr / f"{name}.conf").write_text(line(name))
    (etc / "a.conf").symlink_to("/dev/null")
    (run / "b.conf").write_text("")
    assert found(boot) == [("c", "/bin/true")]


def test_files_are_read_in_the_order_of_their_names_whatever_their_directory(boot, directories):
    etc, run, usr = directories
    (etc / "b.conf").write_text(line("second"))
    (run / "c.conf").write_text(line("third"))
    (usr / "a.conf").write_text(line("first"))
    assert [name for name, _interpreter in found(boot)] == ["third", "second", "first"]


def test_the_last_line_for_a_name_wins_and_is_the_last_registered(boot, directories):
    etc, _run, usr = directories
    (usr / "a.conf").write_text(line("one", "/a"))
    (usr / "b.conf").write_text(line("two", "/b"))
    (etc / "c.conf").write_text(line("one", "/c"))
    assert found(boot) == [("one", "/c"), ("two", "/b")]
    assert [boot.source(entry) for entry in boot.entries()] == [str(etc / "c.conf"), str(usr / "b.conf")]


def test_comments_blank_lines_other_files_and_lines_in_error_are_passed_over(boot, directories):
    etc = directories[0]
    (etc / "a.conf").write_text("#no#E##a##/bin/true#\n;no;E;;a;;/bin/true;\n\n:broken:\n" + line("one"))
    (etc / "a.conf.bak").write_text(line("two"))
    assert found(boot) == [("one", "/bin/true")]


def test_what_is_written_is_read_back_and_owned(boot, directories):
    entry = Entry("qemu-arm", "/usr/bin/qemu-arm-static", b"\x7fELF:;#\n\\", b"\xff" * 9, flags="POF")
    boot.write(entry)
    assert boot.entries() == [entry]
    assert boot.owned("qemu-arm")
    assert (directories[0] / "qemu-arm.conf").read_text().startswith(HEADER + "\n:qemu-arm:M:")
    boot.remove("qemu-arm")
    assert boot.entries() == []
    assert not boot.owned("qemu-arm")


def test_a_file_of_somebody_else_is_not_removed(boot, directories):
    path = directories[0] / "qemu-arm.conf"
    path.write_text(line("qemu-arm"))
    assert not boot.owned("qemu-arm")
    boot.remove("qemu-arm")
    assert path.exists()


def test_what_is_no_utf8_is_kept(boot, directories):
    (directories[0] / "a.conf").write_bytes(b":one:M::\xff\xfe::/bin/\xff:\n")
    entry = boot.entries()[0]
    assert entry.magic == b"\xff\xfe"
    boot.write(entry)
    assert boot.entries()[0].interpreter == entry.interpreter
