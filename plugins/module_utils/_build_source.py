# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from the controller's options and the host's files before a build: Dockerfile, context, names."""

from __future__ import annotations

import functools
import hashlib
import os
import posixpath
from dataclasses import dataclass
from typing import Iterator

from . import _context, _dockerfile, _dockerignore, _mounts
from ._cache import Table
from ._context import Context, ContextChanged, Member
from ._context_index import Index, trusted
from ._errors import CrossbuildError

# The Dockerfile's name in the tar where it is inline, out of the context or excluded from it.
_SENT_NAME = ".dockerfile.trusted.crossbuild"


@dataclass(frozen=True)
class Source:
    """The files of a build. ``extra`` are those that the tar carries beside or instead of the context's own."""

    dockerfile: _dockerfile.Dockerfile
    text: str
    root: str
    members: list[Member]
    sent_name: str
    extra: dict[str, bytes]

    def records(self) -> Iterator[tuple[str, str]]:
        return ((member.path, member.record()) for member in self.members)

    @functools.cached_property
    def digest(self) -> str:
        """The digest of the context."""
        return _context.digest(self.records())

    def stream(self) -> Iterator[bytes]:
        from . import _context_tar

        return _context_tar.stream(self.root, self.members, self.extra)


class Reader:
    """Reads everything a build is made from, as often as it is asked to, and each file's content as seldom as possible.

    ``path`` is the context, or None; ``dockerfile`` is relative to it; ``inline`` is the text that takes its place.
    """

    def __init__(self, path: str | None, dockerfile: str, inline: str | None) -> None:
        self.path = path
        self.inside = posixpath.normpath(dockerfile)
        self.full = "" if inline is not None else os.path.join(path or "", dockerfile)
        self.inline = inline
        self._table = Table("context", os.path.realpath(path or "") + "\0" + self.full)
        self._remembered: dict[str, str] = {}
        self._index: Index | None = None
        self.left_out: list[str] = []

    def read(self) -> Source:
        """Raises CrossbuildError for a context or Dockerfile that is not there or wrong, or that does not hold still."""
        try:
            return self._read()
        except ContextChanged:
            self.forget()
            return self._read()

    def forget(self) -> None:
        """From now on reads every file, whatever is remembered: something was written past the kernel's notice."""
        self._index = Index({}, self.is_trusted())

    def remember(self) -> None:
        """Saves what was found out about the context for the next run. Raises OSError where that is not possible."""
        if self._index and self._index.known != self._remembered:
            self._table.save(self._index.known)
            self._remembered = self._index.known

    def _read(self) -> Source:
        path = self.path
        if path is not None and not os.path.isdir(path):
            what = "is not a directory" if os.path.exists(path) else "does not exist"
            raise CrossbuildError(f"The build context {path} {what}. Name a directory on the build host with path.")
        text = self.inline if self.inline is not None else _read_text(self.full)
        try:
            parsed = _dockerfile.parse(text)
        except CrossbuildError as exc:
            raise CrossbuildError(f"{self.full or 'dockerfile_inline'}: {exc}") from exc
        if path is None:
            return Source(parsed, text, os.devnull, [], _SENT_NAME, _hidden(text, None))
        members = self._members(path)
        own = None if self.inline is not None else _find(members, self.inside)
        if own is None or own.kind != "file":
            user_ignore = _read_bytes(os.path.join(path, ".dockerignore")) if _find(members, ".dockerignore") else None
            return Source(parsed, text, path, members, _SENT_NAME, _hidden(text, user_ignore))
        if own.content.split(" ")[0] != hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest():
            raise ContextChanged(self.full)
        return Source(parsed, text, path, members, self.inside, {})

    def _members(self, path: str) -> list[Member]:
        if self._index is None:
            is_trusted = self.is_trusted()
            self._remembered = self._table.load() if is_trusted else {}
            self._index = Index(self._remembered, is_trusted)
        ignore = _ignore_file(path, self.full)
        patterns = _dockerignore.parse(_read_bytes(ignore) if ignore else b"")
        context = Context(path, patterns.leave_out)
        members = context.members(self._index)
        self.left_out = context.left_out
        return members

    def files(self) -> list[str]:
        """The files, there or not, that say what is built and what is left out."""
        ignore = _ignore_candidates(self.path, self.full) if self.path is not None else []
        return [*([self.full] if self.full else []), *ignore]

    def is_trusted(self) -> bool:
        """Whether the kernel tells of every change in the context."""
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return trusted(os.path.realpath(self.path or ""), _mounts.parse(file.read()))


def _hidden(text: str, user_ignore: bytes | None) -> dict[str, bytes]:
    """A Dockerfile that COPY does not see: the engine takes away again what the .dockerignore that it receives names.

    A .dockerignore of the user's that belongs to the context arrives with one line more; the docker client does the same.
    """
    own = b"" if user_ignore is not None else b".dockerignore\n"
    ignore = (user_ignore or b"") + b"\n" + _SENT_NAME.encode() + b"\n" + own
    return {_SENT_NAME: text.encode("utf-8", "surrogateescape"), ".dockerignore": ignore}


def _find(members: list[Member], path: str) -> Member | None:
    return next((member for member in members if member.path == path), None)


def _ignore_file(context: str, dockerfile: str) -> str | None:
    return next((candidate for candidate in _ignore_candidates(context, dockerfile) if os.path.isfile(candidate)), None)


def _ignore_candidates(context: str, dockerfile: str) -> list[str]:
    return [*([dockerfile + ".dockerignore"] if dockerfile else []), os.path.join(context, ".dockerignore")]


def _read_text(path: str) -> str:
    if not os.path.isfile(path):
        raise CrossbuildError(
            f"There is no Dockerfile {path}. Name it with dockerfile, relative to path, or give its text as dockerfile_inline."
        )
    return _read_bytes(path).decode("utf-8", "surrogateescape")


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as exc:
        raise CrossbuildError(f"{path} cannot be read: {exc.strerror}.") from exc
