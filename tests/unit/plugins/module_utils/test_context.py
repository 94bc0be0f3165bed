# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build context: what counts, what is sent, and that the two are the same."""

from __future__ import annotations

import io
import os
import random
import tarfile
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dockerignore
from ansible_collections.trusted.crossbuild.plugins.module_utils._context import Context, Member
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


def context(root: Path, ignore: bytes = b"") -> Context:
    return Context(str(root), _dockerignore.parse(ignore).leave_out)


def records(root: Path, ignore: bytes = b"") -> dict[str, list[str]]:
    return {member.path: member.record() for member in context(root, ignore).members()}


def unpacked(root: Path, extra: dict[str, bytes] | None = None, ignore: bytes = b"") -> dict[str, tarfile.TarInfo]:
    sent = context(root, ignore)
    data = b"".join(sent.stream(sent.members(), extra or {}))
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as archive:
        members = list(archive)
    assert len({info.name for info in members}) == len(members)
    return {info.name: info for info in members}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "directory/below").mkdir(parents=True)
    (tmp_path / "file").write_text("content")
    (tmp_path / "directory/file").write_text("other")
    (tmp_path / "link").symlink_to("directory/file")
    os.link(tmp_path / "file", tmp_path / "same")
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def test_every_kind_of_member_is_recorded_and_sent(tree: Path) -> None:
    kinds = {path: record[0] for path, record in records(tree).items()}
    assert kinds == {
        "directory": "directory",
        "directory/below": "directory",
        "directory/file": "file",
        "fifo": "fifo",
        "file": "file",
        "link": "symlink",
        "same": "hardlink",
    }
    sent = unpacked(tree)
    assert set(sent) == set(kinds)
    assert sent["link"].linkname == "directory/file"
    assert sent["same"].islnk() and sent["same"].linkname == "file"
    assert sent["fifo"].isfifo()


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "file").write_text("CONTENT"),
        lambda tree: (tree / "file").chmod(0o4755),
        lambda tree: (tree / "directory").chmod(0o1777),
        lambda tree: (tree / "new").mkdir(),
        lambda tree: (tree / "same").unlink(),
        lambda tree: ((tree / "link").unlink(), (tree / "link").symlink_to("directory")),
        lambda tree: (tree / "directory/file").rename(tree / "directory/renamed"),
        lambda tree: ((tree / "same").unlink(), (tree / "same").write_text("content")),
    ],
)
def test_what_reaches_an_image_counts(tree: Path, change) -> None:
    before = records(tree)
    change(tree)
    assert records(tree) != before


def test_a_byte_counts_with_size_and_time_kept(tree: Path) -> None:
    before = records(tree)
    times = (tree / "file").stat()
    (tree / "file").write_text("kontent")
    os.utime(tree / "file", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert records(tree) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: os.utime(tree / "file", (1, 1)),
        lambda tree: os.chown(tree / "file", os.getuid(), os.getgid()),
        lambda tree: tree.chmod(0o700),
        lambda tree: (tree / "ignored").write_text("new"),
    ],
)
def test_what_does_not_reach_an_image_does_not_count(tree: Path, change) -> None:
    before = records(tree, b"ignored")
    change(tree)
    assert records(tree, b"ignored") == before


def test_an_excluded_directory_stays_where_something_below_it_is_included_again(tree: Path) -> None:
    assert set(records(tree, b"*\n!directory/file")) == {"directory", "directory/file"}
    assert set(records(tree, b"directory")) == {"fifo", "file", "link", "same"}


def test_extra_files_replace_those_of_the_context(tree: Path) -> None:
    sent = unpacked(tree, {"file": b"extra!!", "more": b""})
    assert (sent["file"].size, sent["more"].size) == (7, 0)


def test_long_names_and_names_that_are_not_utf_8_arrive(tmp_path: Path) -> None:
    names = ["n" * 250, os.fsdecode(b"\xff\xfe"), "d" * 120 + "/" + "e" * 200]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("content")
    assert set(names) <= set(unpacked(tmp_path))


def test_a_large_file_is_sent_in_pieces_and_whole(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(3_000_001)
    (tmp_path / "large").write_bytes(content)
    sent = context(tmp_path)
    pieces = list(sent.stream(sent.members(), {}))
    assert max(map(len, pieces)) <= 1 << 20
    assert content in b"".join(pieces)
    assert len(b"".join(pieces)) % tarfile.BLOCKSIZE == 0


@pytest.mark.parametrize("later", ["different", "CONTENT", None])
def test_a_file_that_changes_while_it_is_sent_is_named(tree: Path, later: str | None) -> None:
    sent = context(tree)
    members = sent.members()
    if later is None:
        (tree / "file").unlink()
    else:
        (tree / "file").write_text(later)
    with pytest.raises(CrossbuildError, match="file"):
        list(sent.stream(members, {}))


def test_a_member_says_nothing_of_time_and_owner() -> None:
    assert Member("path", "file", 0o644, "digest").record() == ["file", "644", "digest"]
