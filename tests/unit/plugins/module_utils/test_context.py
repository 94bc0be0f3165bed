# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build context: what belongs to it, and what of it counts."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dockerignore
from ansible_collections.trusted.crossbuild.plugins.module_utils._context import (
    Context,
    ContextChanged,
    Member,
    digest,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._context_index import Index
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


def context(root: Path, ignore: bytes = b"") -> Context:
    return Context(str(root), _dockerignore.parse(ignore).leave_out)


def members(root: Path, ignore: bytes = b"", index: Index | None = None) -> list[Member]:
    return context(root, ignore).members(index or Index({}))


def records(root: Path, ignore: bytes = b"") -> dict[str, str]:
    return {member.path: member.record() for member in members(root, ignore)}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "directory/below").mkdir(parents=True)
    (tmp_path / "file").write_text("content")
    (tmp_path / "directory/file").write_text("other")
    (tmp_path / "link").symlink_to("directory/file")
    os.link(tmp_path / "file", tmp_path / "same")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
    return tmp_path


def test_every_kind_of_member_is_recorded(tree: Path) -> None:
    kinds = {path: record.split(" ")[0] for path, record in records(tree).items()}
    assert kinds == {
        "directory": "directory",
        "directory/below": "directory",
        "directory/file": "file",
        "fifo": "fifo",
        "file": "file",
        "link": "symlink",
        "same": "hardlink",
    }


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


@pytest.mark.parametrize("pattern", [b"directory/none", b"directory/below/none", b"directory/*/none"])
def test_it_does_not_stay_alone(tree: Path, pattern: bytes) -> None:
    assert set(records(tree, b"directory\n!" + pattern)) == {"fifo", "file", "link", "same"}


def test_nothing_may_be_in_it(tmp_path: Path) -> None:
    assert records(tmp_path) == {}
    (tmp_path / "directory").mkdir()
    assert records(tmp_path, b"*\n!directory/none") == {}


def test_it_may_be_deep(tmp_path: Path) -> None:
    """1,500 directories in each other: more than calls can be, and about as long as a path can be."""
    made = os.open(tmp_path, os.O_PATH)
    for _level in range(1500):
        os.mkdir("d", dir_fd=made)
        below = os.open("d", os.O_PATH, dir_fd=made)
        os.close(made)
        made = below
    os.close(made)
    try:
        assert len(records(tmp_path)) == 1500
    finally:
        # pytest would remove it by calls.
        subprocess.run(["rm", "--recursive", str(tmp_path / "d")], check=True)


def test_a_socket_does_not_belong_to_it(tree: Path) -> None:
    assert (tree / "socket").is_socket() and "socket" not in records(tree)


def test_a_record_says_nothing_of_time_and_owner() -> None:
    assert Member("path", "file", 0o644, "digest").record() == "file 644 digest"


def test_the_digest_of_all_tells_names_from_contents() -> None:
    assert digest([("a", "b"), ("c", "d")]) != digest([("a", "b\0c"), ("d", "")])
    assert digest([("a", "b")]) != digest([("a", "c")])


def test_a_link_is_not_followed_out_of_the_context(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "directory").symlink_to("/etc")
    assert records(tmp_path) == {"directory": "symlink 777 /etc", "link": "symlink 777 /etc/passwd"}


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_may_not_be_read_is_named(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir() if kind == "directory" else closed.write_text("content")
    closed.chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # the directories above are for their own user only
    message = as_nobody(lambda: str(members(Path())))
    assert message == (
        "./closed in the build context cannot be read: Permission denied."
        " Make it readable, or name it in .dockerignore."
    )
    assert "closed" not in as_nobody(lambda: str(members(Path(), b"closed")))


def as_nobody(call) -> str:
    """What the call returns, or the error it raises, in a process that is not root's."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setuid(65534)
        try:
            said = call()
        except CrossbuildError as error:
            said = str(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


def aged(index: Index) -> Index:
    """The index as of a walk long after the files were written."""
    begin = index.begin

    def later() -> None:
        begin()
        index._settled += 3_000_000_000

    index.begin = later  # type: ignore[method-assign]
    return index


def test_an_unchanged_file_is_not_read_again(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = aged(Index({}))
    before = members(tree, index=index)
    assert set(index.known) == {"directory/file", "file"}
    monkeypatch.setattr(Context, "_content", lambda *_arguments: pytest.fail("a file was read"))
    assert members(tree, index=aged(Index(index.known))) == before


def test_a_file_of_just_now_is_read_again(tree: Path) -> None:
    index = Index({})
    members(tree, index=index)
    assert index.known == {}


@pytest.mark.parametrize("keep", ["size and time", "size, time and directory"])
def test_the_index_does_not_hide_a_changed_byte(tree: Path, keep: str) -> None:
    index = aged(Index({}))
    before = members(tree, index=index)
    status = (tree / "file").stat()
    time.sleep(0.02)  # longer than the tick of any filesystem that tests run on
    if keep == "size and time":
        (tree / "file").write_text("kontent")
    else:
        with (tree / "file").open("r+b", buffering=0) as file:
            file.write(b"k")
    os.utime(tree / "file", ns=(status.st_atime_ns, status.st_mtime_ns))
    changed = members(tree, index=index)
    assert [(old.path, new.path) for old, new in zip(before, changed) if old != new] == [("file", "file")]


def test_what_is_gone_is_forgotten(tree: Path) -> None:
    index = aged(Index({}))
    members(tree, index=index)
    (tree / "directory/file").unlink()
    members(tree, index=index)
    assert set(index.known) == {"file"}


def test_a_file_that_changes_while_it_is_read_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = os.read

    def read_and_write(descriptor: int, size: int) -> bytes:
        with (tree / "directory/file").open("a") as file:
            file.write("more")
        return read(descriptor, size)

    # Nothing else makes it certain that the file is written to between two reads.
    monkeypatch.setattr(os, "read", read_and_write)
    with pytest.raises(ContextChanged, match="directory/file changed"):
        members(tree)


@pytest.mark.parametrize("later", [os.mkfifo, os.mkdir, lambda path: os.symlink("directory/file", path), None])
def test_what_took_a_files_place_is_not_read(tree: Path, monkeypatch: pytest.MonkeyPatch, later) -> None:
    scandir = os.scandir

    class Swapped:
        """The listing of a directory in which a file becomes something else right after it was looked at."""

        def __init__(self, path: str) -> None:
            self.children = list(scandir(path))
            for child in self.children:
                child.stat(follow_symlinks=False)
            if path == str(tree) + "/":
                (tree / "file").unlink()
                if later:
                    later(tree / "file")

        def __enter__(self):
            return self.children

        def __exit__(self, *_exception: object) -> None:
            return

    monkeypatch.setattr(os, "scandir", Swapped)
    with pytest.raises(ContextChanged, match="file changed"):
        members(tree)
