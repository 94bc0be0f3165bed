# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tar of a context: everything arrives as it was hashed, or is named."""

from __future__ import annotations

import io
import itertools
import os
import random
import struct
import tarfile
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _context_tar, _dockerignore
from ansible_collections.trusted.crossbuild.plugins.module_utils._context import Context, ContextChanged, Member
from ansible_collections.trusted.crossbuild.plugins.module_utils._context_index import Index

# cap_net_raw=ep, as setcap writes it: version 2 with the effective bit, then permitted and inheritable sets.
NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)


def members(root: Path) -> list[Member]:
    return Context(str(root), _dockerignore.parse(b"").leave_out).members(Index({}))


def unpacked(root: Path, extra: dict[str, bytes] | None = None) -> dict[str, tarfile.TarInfo]:
    data = b"".join(_context_tar.stream(str(root), members(root), extra or {}))
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as archive:
        infos = list(archive)
    assert len({info.name for info in infos}) == len(infos)
    return {info.name: info for info in infos}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "directory").mkdir(mode=0o1777)
    (tmp_path / "file").write_text("content")
    (tmp_path / "file").chmod(0o4755)
    (tmp_path / "link").symlink_to("directory/file")
    os.link(tmp_path / "file", tmp_path / "same")
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def test_every_kind_of_member_is_sent(tree: Path) -> None:
    sent = unpacked(tree)
    assert set(sent) == {"directory", "fifo", "file", "link", "same"}
    assert sent["directory"].isdir()
    assert sent["link"].linkname == "directory/file"
    assert sent["same"].islnk() and sent["same"].linkname == "file"
    assert sent["fifo"].isfifo()
    assert sent["file"].mode == 0o4755


def test_everything_is_roots(tree: Path) -> None:
    assert {(info.uid, info.gid, info.uname) for info in unpacked(tree).values()} == {(0, 0, "")}


def test_extra_files_replace_those_of_the_context(tree: Path) -> None:
    sent = unpacked(tree, {"file": b"extra!!", "more": b""})
    assert (sent["file"].size, sent["more"].size) == (7, 0)


def test_what_is_linked_to_a_replaced_file_keeps_its_content(tree: Path) -> None:
    data = b"".join(_context_tar.stream(str(tree), members(tree), {"file": b"extra!!"}))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        same = archive.getmember("same")
        assert same.isreg() and same.mode == 0o4755
        assert archive.extractfile(same).read() == b"content"


def test_long_names_and_names_that_are_not_utf_8_arrive(tmp_path: Path) -> None:
    names = ["n" * 250, os.fsdecode(b"\xff\xfe"), "new\nline", "d" * 120 + "/" + "e" * 200]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("content")
    assert set(names) <= set(unpacked(tmp_path))


def test_capabilities_arrive(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    member = members(tmp_path)[0]
    member = member._replace(content=member.content + " " + NET_RAW.hex())
    data = b"".join(_context_tar.stream(str(tmp_path), [member], {}))
    with tarfile.open(fileobj=io.BytesIO(data), encoding="latin-1") as archive:
        info = archive.next()
        assert info and info.name == "file" and archive.extractfile(info).read() == b"content"
    assert info.pax_headers["SCHILY.xattr.security.capability"].encode("latin-1") == NET_RAW


def test_a_large_file_is_sent_in_pieces_and_whole(tmp_path: Path) -> None:
    content = random.Random(1).getrandbits(8 * 3_000_001).to_bytes(3_000_001, "little")
    (tmp_path / "large").write_bytes(content)
    pieces = list(_context_tar.stream(str(tmp_path), members(tmp_path), {}))
    assert max(map(len, pieces)) <= 1 << 20
    assert content in b"".join(pieces)
    assert len(b"".join(pieces)) % tarfile.BLOCKSIZE == 0


def test_a_file_that_grows_without_end_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(bytes(1 << 20))
    sent = _context_tar.stream(str(tmp_path), members(tmp_path), {})
    with pytest.raises(ContextChanged, match="/log changed"), log.open("ab") as file:
        for _piece in itertools.islice(sent, 10):
            file.write(bytes(1 << 20))
            file.flush()


@pytest.mark.parametrize("later", ["different", "CONTENT", "short", None])
def test_a_file_that_changes_while_it_is_sent_is_named(tree: Path, later: str | None) -> None:
    before = members(tree)
    if later is None:
        (tree / "file").unlink()
    else:
        (tree / "file").write_text(later)
    with pytest.raises(ContextChanged, match="/file changed"):
        list(_context_tar.stream(str(tree), before, {}))
