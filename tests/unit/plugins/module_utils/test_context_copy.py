# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A context as a directory of its own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _context_copy, _dockerignore
from ansible_collections.trusted.crossbuild.plugins.module_utils._context import Context, ContextChanged, Member
from ansible_collections.trusted.crossbuild.plugins.module_utils._context_index import Index


def members(root: Path, ignore: bytes = b"") -> list[Member]:
    return Context(str(root), _dockerignore.parse(ignore).leave_out).members(Index({}))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    root = tmp_path / "context"
    (root / "out").mkdir(parents=True)
    (root / "shut").mkdir()
    (root / "shut" / "file").write_text("shut")
    (root / "out" / "in").write_text("in")
    (root / "out" / "not").write_text("not")
    (root / "program").write_text("#!")
    (root / "program").chmod(0o4711)
    os.link(root / "program", root / "same")
    (root / "link").symlink_to("/nowhere")
    os.mkfifo(root / "fifo", 0o640)
    (root / os.fsdecode(b"caf\xe9")).write_text("latin")
    os.utime(root / "program", (1, 1_000_000_000))
    (root / "shut").chmod(0o500)
    return root


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "copy").mkdir()
    return tmp_path / "copy"


def test_everything_of_the_context_and_nothing_else(context: Path, target: Path) -> None:
    expected = members(context, b"out\n!out/in\n")
    _context_copy.copy(str(context), expected, str(target))
    assert members(target) == expected
    assert not (target / "out" / "not").exists()
    assert stat.S_IMODE((target / "program").stat().st_mode) == 0o4711
    assert (target / "program").stat().st_mtime == 1_000_000_000
    assert (target / "same").stat().st_ino == (target / "program").stat().st_ino


def test_a_file_that_changed_is_named(context: Path, target: Path) -> None:
    found = members(context)
    (context / "out" / "in").write_text("iN")
    with pytest.raises(ContextChanged, match="out/in changed"):
        _context_copy.copy(str(context), found, str(target))


def test_a_file_that_went_is_named(context: Path, target: Path) -> None:
    found = members(context)
    (context / "link").unlink()
    with pytest.raises(ContextChanged, match="link changed"):
        _context_copy.copy(str(context), found, str(target))
