# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build context: walked, filtered and hashed by this collection, so that what is hashed is what is sent.

The engines' own transfers are not used: BuildKit's compares metadata and keeps a file whose bytes changed while its size
and modification time did not (https://github.com/moby/buildkit/issues/4817).
"""

from __future__ import annotations

import errno
import hashlib
import operator
import os
import stat
from contextlib import contextmanager
from typing import Callable, Iterable, Iterator, NamedTuple

from ._context_index import Index
from ._errors import CrossbuildError
from ._evidence import stamp

_CHUNK = 1 << 20
_name = operator.attrgetter("name")
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}
CAPABILITY = "security.capability"

# (path, whether it is a directory) -> (leave it out, look below it)
Filter = Callable[[str, bool], "tuple[bool, bool]"]


class ContextChanged(CrossbuildError):
    """Something in the context is not what it was a moment ago."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{printable(path)} changed while the build context was being read. Let nothing write there, and run this again."
        )


class Member(NamedTuple):
    """One thing in the context, by what of it can reach an image: no time, owner or group.

    ``path`` is relative, with ``/``; names that are not UTF-8 carry surrogates. ``content`` is a SHA-256 in hex for a
    file, followed by its capabilities (the extended attribute, in hex) where it has some; the target of a link, the
    numbers of a device.
    """

    path: str
    kind: str
    mode: int
    content: str = ""

    def record(self) -> str:
        return f"{self.kind} {self.mode:o} {self.content}"

    def capabilities(self) -> bytes:
        """The extended attribute that holds a file's capabilities; empty where there is none."""
        return bytes.fromhex(self.content.partition(" ")[2]) if self.kind == "file" else b""


def printable(path: str) -> str:
    """A path as a person can be shown it: on one line, and bytes that are not UTF-8 in hex."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\n", "\\n")


def digest(records: Iterable[tuple[str, str]]) -> str:
    """One digest for all members, from their paths and records, in the order of the walk."""
    whole = hashlib.sha256()
    for path, record in records:
        whole.update(f"{path}\0{record}\0".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


class Context:
    """A directory as a build context. ``leave_out`` decides what does not belong to it."""

    def __init__(self, root: str, leave_out: Filter) -> None:
        self.root = root
        self._leave_out = leave_out
        self.left_out: list[str] = []  # by the walk, which did not look below it either

    def members(self, index: Index) -> list[Member]:
        """Everything in the context, parents before children. Reads every file that ``index`` does not know.

        Raises CrossbuildError naming what cannot be read, and ContextChanged naming what changes meanwhile.
        """
        first_names: dict[tuple[int, int], str] = {}
        index.begin()
        members = [self._member(path, status, first_names, index) for path, status in self._walk()]
        index.end()
        return members

    def _walk(self) -> list[tuple[str, os.stat_result]]:
        found: list[tuple[str, os.stat_result]] = []
        leave_out, self.left_out = self._leave_out, []
        # The directories that the walk is in: path, the rest of the children, and of how many things found it would be the
        # last one without any below it: one that is left out is needed only for what is included again there.
        inside: list[tuple[str, Iterator[os.DirEntry[str]], int]] = [("", self._children(""), -1)]
        while inside:
            directory, children, alone = inside[-1]
            for child in children:
                path = directory + child.name
                try:
                    status = child.stat(follow_symlinks=False)
                except OSError as exc:
                    raise _unreadable(child.path, exc) from exc
                kind = stat.S_IFMT(status.st_mode)
                is_directory = kind == stat.S_IFDIR
                out, look_below = leave_out(path, is_directory)
                if look_below if out else kind in _KINDS:
                    found.append((path, status))
                elif out:
                    self.left_out.append(path)
                if is_directory and look_below:
                    inside.append((path + "/", self._children(path), len(found) if out else -1))
                    break  # and on with it when that one is done
            else:
                inside.pop()
                if len(found) == alone:
                    found.pop()
        return found

    def _children(self, directory: str) -> Iterator[os.DirEntry[str]]:
        full = os.path.join(self.root, directory)
        with _access(full), os.scandir(full) as found:
            return iter(sorted(found, key=_name))

    def _member(
        self, path: str, status: os.stat_result, first_names: dict[tuple[int, int], str], index: Index
    ) -> Member:
        kind = _KINDS[stat.S_IFMT(status.st_mode)]
        mode = stat.S_IMODE(status.st_mode)
        if kind == "file":
            if status.st_nlink > 1:
                first = first_names.setdefault((status.st_dev, status.st_ino), path)
                if first != path:
                    return Member(path, "hardlink", mode, first)
            return Member(path, kind, mode, index.content(path, status, self._content))
        if kind == "symlink":
            full = os.path.join(self.root, path)
            with _access(full):
                return Member(path, kind, mode, os.readlink(full))
        if "device" in kind:
            return Member(path, kind, mode, f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")
        return Member(path, kind, mode)

    def _content(self, path: str, status: os.stat_result) -> str:
        full = os.path.join(self.root, path)
        whole, size = hashlib.sha256(), 0
        with opened(full) as descriptor:
            for chunk in chunks(descriptor):
                whole.update(chunk)
                size += len(chunk)
                if size > status.st_size:  # a log that is written to may have no end
                    raise ContextChanged(full)
            capabilities = _capabilities(descriptor)
            if stamp(os.fstat(descriptor)) != stamp(status):
                raise ContextChanged(full)
        return whole.hexdigest() + (" " + capabilities.hex() if capabilities else "")


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A file for reading, and never what took its place: a link is not followed, a fifo does not block."""
    with _access(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            return
        yield chunk


def _capabilities(descriptor: int) -> bytes:
    try:
        return os.getxattr(descriptor, CAPABILITY)
    except OSError as exc:
        if exc.errno in (errno.ENODATA, errno.ENOTSUP):
            return b""
        raise


@contextmanager
def _access(path: str) -> Iterator[None]:
    """Says of a failing system call which file it was about, and whether that just went away."""
    try:
        yield
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _unreadable(path: str, problem: OSError) -> CrossbuildError:
    if problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR):
        return ContextChanged(path)
    return CrossbuildError(
        f"{printable(path)} in the build context cannot be read: {problem.strerror}."
        " Make it readable, or name it in .dockerignore."
    )
