# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build context: walked, filtered, hashed and sent by this collection, so that what is hashed is what is sent.

The engines' own transfers are not used: BuildKit's compares metadata and keeps a file whose bytes changed while its size
and modification time did not (https://github.com/moby/buildkit/issues/4817).
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from dataclasses import dataclass
from typing import Callable, Iterator

from ._errors import CrossbuildError

_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}
_TAR_TYPES = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
}

# (path, whether it is a directory, whether its parent was left out) -> (leave it out, look below it)
Filter = Callable[[str, bool, bool], "tuple[bool, bool]"]


@dataclass(frozen=True)
class Member:
    """One thing in the context, by what of it can reach an image: no time, owner or group.

    ``path`` is relative, with ``/``; names that are not UTF-8 carry surrogates. ``content`` is a SHA-256 in hex for a
    file, the target of a link, the numbers of a device.
    """

    path: str
    kind: str
    mode: int
    content: str = ""

    def record(self) -> list[str]:
        return [self.kind, f"{self.mode:o}", self.content]


class Context:
    """A directory as a build context. ``leave_out`` decides what does not belong to it."""

    def __init__(self, root: str, leave_out: Filter) -> None:
        self.root = root
        self._leave_out = leave_out

    def members(self) -> list[Member]:
        """Everything in the context, parents before children. Reads every file. Raises CrossbuildError naming one it cannot."""
        first_names: dict[tuple[int, int], str] = {}
        return [self._member(path, status, first_names) for path, status in self._walk("", False)]

    def _walk(self, directory: str, left_out: bool) -> Iterator[tuple[str, os.stat_result]]:
        try:
            with os.scandir(os.path.join(self.root, directory)) as found:
                children = sorted(found, key=lambda child: child.name)
        except OSError as exc:
            raise _unreadable(os.path.join(self.root, directory), exc) from exc
        for child in children:
            path = directory + "/" + child.name if directory else child.name
            status = child.stat(follow_symlinks=False)
            is_directory = stat.S_ISDIR(status.st_mode)
            out, look_below = self._leave_out(path, is_directory, left_out)
            below = list(self._walk(path, out)) if is_directory and look_below else []
            # A directory that is left out but has something re-included below it is needed to hold that.
            if (not out or below) and stat.S_IFMT(status.st_mode) in _KINDS:
                yield path, status
            yield from below

    def _member(self, path: str, status: os.stat_result, first_names: dict[tuple[int, int], str]) -> Member:
        kind = _KINDS[stat.S_IFMT(status.st_mode)]
        mode = stat.S_IMODE(status.st_mode)
        identity = (status.st_dev, status.st_ino)
        if kind == "file" and status.st_nlink > 1:
            first = first_names.setdefault(identity, path)
            if first != path:
                return Member(path, "hardlink", mode, first)
        return Member(path, kind, mode, self._content(path, kind, status))

    def _content(self, path: str, kind: str, status: os.stat_result) -> str:
        full = os.path.join(self.root, path)
        try:
            if kind == "file":
                digest = hashlib.sha256()
                for chunk in _chunks(full):
                    digest.update(chunk)
                return digest.hexdigest()
            if kind == "symlink":
                return os.readlink(full)
        except OSError as exc:
            raise _unreadable(full, exc) from exc
        if "device" in kind:
            return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        return ""

    def stream(self, members: list[Member], extra: dict[str, bytes]) -> Iterator[bytes]:
        """The context as a tar, in pieces: never whole in memory. ``extra`` files replace members of the same name.

        Raises CrossbuildError naming a file that is no longer what it was when ``members`` was made.
        """
        for member in members:
            if member.path not in extra:
                yield from self._archived(member)
        for name, data in extra.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            yield _header(info)
            yield data + _padding(len(data))
        yield tarfile.NUL * tarfile.BLOCKSIZE * 2

    def _archived(self, member: Member) -> Iterator[bytes]:
        full = os.path.join(self.root, member.path)
        info = tarfile.TarInfo(member.path)
        info.type, info.mode = _TAR_TYPES[member.kind], member.mode
        try:
            status = os.lstat(full)
        except OSError as exc:
            raise _unreadable(full, exc) from exc
        info.mtime = int(status.st_mtime)
        if member.kind in ("symlink", "hardlink"):
            info.linkname = member.content
        elif "device" in member.kind:
            info.devmajor, info.devminor = map(int, member.content.split(":"))
        elif member.kind == "file":
            info.size = status.st_size
        yield _header(info)
        if member.kind == "file":
            yield from self._verified(full, info.size, member.content)

    def _verified(self, full: str, size: int, expected: str) -> Iterator[bytes]:
        digest, sent = hashlib.sha256(), 0
        for chunk in _chunks(full):
            digest.update(chunk)
            sent += len(chunk)
            if sent <= size:
                yield chunk
        if digest.hexdigest() != expected:
            raise CrossbuildError(
                f"{full} changed while the build context was being sent. Let nothing write there, and run this again."
            )
        yield _padding(size)


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as file:
        while True:
            chunk = file.read(_CHUNK)
            if not chunk:
                return
            yield chunk


def _header(info: tarfile.TarInfo) -> bytes:
    # GNU's form carries names of any length and any bytes.
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return tarfile.NUL * (-size % tarfile.BLOCKSIZE)


def _unreadable(path: str, exc: OSError) -> CrossbuildError:
    return CrossbuildError(
        f"{path} in the build context cannot be read: {exc.strerror}. Make it readable, or name it in .dockerignore."
    )
