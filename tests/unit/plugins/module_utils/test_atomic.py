# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._atomic import write_file


def test_writes_text_with_its_mode_whatever_the_umask(tmp_path):
    old = os.umask(0o077)
    try:
        write_file(str(tmp_path / "file"), "text\n", mode=0o644)
    finally:
        os.umask(old)
    assert (tmp_path / "file").read_text() == "text\n"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_makes_the_directory(tmp_path):
    write_file(str(tmp_path / "a/b/file"), "text")
    assert (tmp_path / "a/b/file").read_text() == "text"


def test_replaces_the_file_and_not_what_is_in_it(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        write_file(str(path), "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


def test_text_that_is_no_utf8_comes_back_as_it_was(tmp_path):
    write_file(str(tmp_path / "file"), b"\xff\n".decode("utf-8", "surrogateescape"))
    assert (tmp_path / "file").read_bytes() == b"\xff\n"


def test_a_target_that_cannot_be_replaced_stays_and_nothing_is_beside_it(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(str(tmp_path / "file"), "text")
    assert os.listdir(tmp_path) == ["file"]


def test_no_room_for_the_new_leaves_the_old(tmp_path):
    # A limit on the size of files, in a process of its own, stands for a disk that is full.
    program = f"""
import resource, signal, sys
sys.path[:] = {sys.path!r}
from {write_file.__module__} import write_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
write_file({str(tmp_path / "file")!r}, "x" * 100)
"""
    (tmp_path / "file").write_text("old")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"File too large: '{tmp_path}/file'" in done.stderr
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
