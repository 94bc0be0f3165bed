# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from the controller's options and the host's files before a build: Dockerfile, context, names."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from typing import Any

from . import _dockerfile, _dockerignore
from ._context import Context, Member
from ._errors import CrossbuildError

# The Dockerfile's name in the tar where it is inline, out of the context or excluded from it.
_SENT_NAME = ".dockerfile.trusted.crossbuild"


@dataclass(frozen=True)
class Source:
    """The files of a build. ``extra`` are those that the tar carries beside or instead of the context's own."""

    dockerfile: _dockerfile.Dockerfile
    text: str
    context: Context | None
    members: list[Member]
    sent_name: str
    extra: dict[str, bytes]

    def stream(self) -> Any:
        context = self.context or Context(os.devnull, lambda *_path: (True, False))
        return context.stream(self.members, self.extra)


def read(path: str | None, dockerfile: str, inline: str | None) -> Source:
    """Reads everything a build is made from. Raises CrossbuildError for a context or Dockerfile that is not there or wrong."""
    if path is not None and not os.path.isdir(path):
        what = "is not a directory" if os.path.exists(path) else "does not exist"
        raise CrossbuildError(f"The build context {path} {what}. Name a directory on the build host with path.")
    full = "" if inline is not None else os.path.join(path or "", dockerfile)
    text = inline if inline is not None else _read_text(full)
    try:
        parsed = _dockerfile.parse(text)
    except CrossbuildError as exc:
        raise CrossbuildError(f"{full or 'dockerfile_inline'}: {exc}") from exc
    if path is None:
        return Source(parsed, text, None, [], _SENT_NAME, _hidden(text, None))
    ignore = _ignore_file(path, full)
    patterns = _dockerignore.parse(_read_bytes(ignore) if ignore else b"")
    context = Context(path, patterns.leave_out)
    members = context.members()
    inside = posixpath.normpath(dockerfile)
    if not full or inside not in {member.path for member in members if member.kind == "file"}:
        user_ignore = _read_bytes(os.path.join(path, ".dockerignore")) if _sent(members, ".dockerignore") else None
        return Source(parsed, text, context, members, _SENT_NAME, _hidden(text, user_ignore))
    return Source(parsed, text, context, members, inside, {})


def _hidden(text: str, user_ignore: bytes | None) -> dict[str, bytes]:
    """A Dockerfile that COPY does not see: the engine takes away again what the .dockerignore that it receives names.

    A .dockerignore of the user's that belongs to the context arrives with one line more; the docker client does the same.
    """
    own = b"" if user_ignore is not None else b".dockerignore\n"
    ignore = (user_ignore or b"") + b"\n" + _SENT_NAME.encode() + b"\n" + own
    return {_SENT_NAME: text.encode("utf-8", "surrogateescape"), ".dockerignore": ignore}


def _sent(members: list[Member], path: str) -> bool:
    return any(member.path == path for member in members)


def _ignore_file(context: str, dockerfile: str) -> str | None:
    candidates = [dockerfile + ".dockerignore"] if dockerfile else []
    candidates.append(os.path.join(context, ".dockerignore"))
    return next((candidate for candidate in candidates if os.path.isfile(candidate)), None)


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
