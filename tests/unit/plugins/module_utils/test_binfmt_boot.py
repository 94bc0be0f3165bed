# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_boot import (
    HEADER,
    BootConfiguration,
    last_first,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import Entry
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


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
    assert [path for _entry, path in last_first(boot.files())] == [str(etc / "c.conf"), str(usr / "b.conf")]


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
    boot.remove(boot.path("qemu-arm"))
    assert boot.entries() == []
    assert not boot.owned("qemu-arm")


def test_a_file_of_somebody_else_is_not_removed(boot, directories):
    path = directories[0] / "qemu-arm.conf"
    path.write_text(line("qemu-arm"))
    assert not boot.owned("qemu-arm")
    assert boot.foreign(str(path))
    boot.remove(str(path))
    assert path.exists()


def test_what_is_no_utf8_is_kept(boot, directories):
    (directories[0] / "a.conf").write_bytes(b":one:M::\xff\xfe::/bin/\xff:\n")
    entry = boot.entries()[0]
    assert entry.magic == b"\xff\xfe"
    boot.write(entry)
    assert boot.entries()[0].interpreter == entry.interpreter


def test_a_file_that_disables_hides_another_and_goes_again(boot, directories):
    etc, _run, usr = directories
    (usr / "a.conf").write_text(line("one") + line("two"))
    (usr / "b.conf").write_text(line("three"))
    boot.mask(str(usr / "a.conf"), ["two", 'on"e\u2028 :'])
    assert found(boot) == [("three", "/bin/true")]
    (mask,) = boot.masks(["two", 'on"e\u2028 :', "another"])
    assert (mask.path, mask.ours, mask.disabled) == (str(etc / "a.conf"), True, ('on"e\u2028 :', "two"))
    assert [file.path for file in boot.distribution()] == [str(usr / "a.conf"), str(usr / "b.conf")]
    assert boot.masks(["three"]) == []
    boot.remove(mask.path)
    assert [name for name, _interpreter in found(boot)] == ["three", "two", "one"]


def test_a_file_that_disables_more_than_is_asked_for_is_named(boot, directories):
    boot.mask("/usr/lib/binfmt.d/all.conf", ["one", "two", "three"])
    with pytest.raises(CrossbuildError, match=r"etc/all.conf hides .* ask for one, three in the same task"):
        boot.masks(["two"])


def test_what_somebody_else_wrote_disables_nothing(boot, directories):
    (directories[0] / "a.conf").write_text(
        '# It registers nothing, and so hides a file of the same name. Disabled: ["one"]\n'
    )
    assert boot.masks(["one"]) == []
    assert boot.ours() == []


def test_files_can_be_thought_away(boot, directories):
    etc, _run, usr = directories
    (usr / "a.conf").write_text(line("one", "/usr/one"))
    (etc / "a.conf").write_text(line("one", "/etc/one"))
    (etc / "b.conf").write_text(line("two"))
    left = boot.files(without={str(etc / "a.conf"), str(etc / "b.conf")})
    assert [(entry.name, entry.interpreter) for entry, _path in last_first(left)] == [("one", "/usr/one")]
