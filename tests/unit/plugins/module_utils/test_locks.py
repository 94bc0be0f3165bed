# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock that keeps two runs apart: the kernel's own, on directories of the test."""

from __future__ import annotations

import os
import threading

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._locks import locked


def test_the_directory_is_there_meanwhile(tmp_path):
    path = tmp_path / "parent/lock"
    with locked(str(path)):
        assert path.is_dir()
    assert not path.parent.exists()


def test_what_lies_in_it_stays(tmp_path):
    path = tmp_path / "lock"
    with locked(str(path)):
        (path / "file").touch()
    assert (path / "file").exists()


def test_whoever_holds_it_is_named(tmp_path):
    words = f"waited for in vain: process {os.getpid()} .* lock on {tmp_path}"
    with locked(str(tmp_path)), pytest.raises(CrossbuildError, match=words), locked(str(tmp_path), timeout=0):
        pass


def test_one_after_the_other_though_each_removes_the_directory(tmp_path):
    path, inside, most = str(tmp_path / "lock"), [], []

    def work():
        for _round in range(5):
            with locked(path):
                inside.append(None)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _round in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


def test_a_file_in_its_place(tmp_path):
    (tmp_path / "file").touch()
    words = "file is there and is no directory"
    with pytest.raises(CrossbuildError, match=words), locked(str(tmp_path / "file")):
        pass
