# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dockerfiles: instructions with their lines, stages, and the images a build starts from.

Reads a text as BuildKit's own parser does. https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field

from . import _dockerfile_words as words
from ._errors import CrossbuildError

KEYWORDS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
_JSON_KEYWORDS = ("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME")
_HEREDOC_KEYWORDS = ("ADD", "COPY", "RUN")

_BLANKS = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVE = re.compile(r"#[" + words.SPACES + r"]*([a-zA-Z][a-zA-Z0-9]*)[\t\f\r ]*=[\t\f\r ]*(.+?)[\t\f\r ]*\Z")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)", re.DOTALL)
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")


@dataclass(frozen=True)
class Heredoc:
    """A here-document: ``body`` as it stands in the file; ``strip`` says that ``<<-`` asks to drop leading tabs."""

    name: str
    body: str
    strip: bool


@dataclass(frozen=True)
class Instruction:
    """An instruction on lines ``start`` to ``end`` (from 1, with its here-documents).

    ``value`` is the joined text behind keyword and flags, ``original`` the lines as they stand in the file.
    """

    keyword: str
    value: str
    flags: tuple[str, ...]
    start: int
    end: int
    heredocs: tuple[Heredoc, ...]
    original: str

    def flag(self, name: str) -> str | None:
        """The value of ``--name=value``, or None."""
        return next((value for value in self.flag_values(name)), None)

    def flag_values(self, name: str) -> list[str]:
        """The values of a flag that may be repeated, such as ``--mount``."""
        prefix = f"--{name}="
        return [flag[len(prefix) :] for flag in self.flags if flag.startswith(prefix)]


@dataclass(frozen=True)
class Stage:
    """A build stage. ``name`` is lower-case as Docker compares it; ``base`` and ``base_platform`` are unexpanded.

    ``instructions`` are those after its FROM, which stands on ``line``.
    """

    index: int
    name: str | None
    base: str
    base_platform: str | None
    instructions: tuple[Instruction, ...]
    line: int


@dataclass(frozen=True)
class Dockerfile:
    """``directives`` maps ``escape``, ``syntax`` and ``check`` to their values, where the file has them."""

    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    directives: dict[str, str] = field(default_factory=dict)

    @property
    def escape(self) -> str:
        return self.directives.get("escape", "\\")


def parse(text: str) -> Dockerfile:
    """The instructions and stages of a Dockerfile.

    Raises CrossbuildError with the line's number, the line, what is wrong with it and what was expected;
    ``dockerfile_line`` carries the number.
    """
    instructions, directives = lex(text)
    return Dockerfile(instructions, _stages(instructions), directives)


def lex(text: str) -> tuple[tuple[Instruction, ...], dict[str, str]]:
    """Instructions and directives without a look at their meaning: any word can be a keyword.

    Raises CrossbuildError as ``parse``, for what makes it impossible to say where an instruction ends.
    """
    lexer = _Lexer(text)
    instructions = tuple(lexer.instructions())
    if not instructions:
        raise CrossbuildError("The Dockerfile has no instructions; expected at least a line such as `FROM debian`.")
    return instructions, lexer.directives


def problem(line: int, text: str, what: str) -> CrossbuildError:
    """The error for a line of a Dockerfile."""
    shown = text.strip().split("\n", 1)[0].rstrip()
    return CrossbuildError(f"Dockerfile line {line}, `{shown}`: {what}", dockerfile_line=line)


class _Lexer:
    def __init__(self, text: str) -> None:
        self._lines = (text[1:] if text.startswith("\ufeff") else text).split("\n")
        if not self._lines[-1]:
            self._lines.pop()
        self._at = 0
        self._directives_possible = True
        self.directives: dict[str, str] = {}
        self._set_escape("\\")

    def _set_escape(self, escape: str) -> None:
        # Exactly one: a doubled escape stands for itself and continues nothing.
        esc = re.escape(escape)
        self._continuation = re.compile(rf"(?<!{esc}){esc}[ \t]*\Z")

    def _next_line(self) -> str | None:
        if self._at >= len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at - 1]

    def instructions(self) -> list[Instruction]:
        found = []
        while True:
            line = self._next_line()
            if line is None:
                return found
            line = line.rstrip("\r").lstrip(words.SPACES)
            self._directive(line)
            if line and not line.startswith("#"):
                found.append(self._instruction(line))

    def _directive(self, line: str) -> None:
        """Take a directive; the first line that is none ends them, be it a comment or blank."""
        match = _DIRECTIVE.match(line) if self._directives_possible else None
        name = match.group(1).lower() if match else ""
        if match is None or name not in ("escape", "syntax", "check"):
            self._directives_possible = False
            return
        if name in self.directives:
            raise problem(self._at, line, f"a second {name} directive; expected one at most.")
        if name == "escape":
            if match.group(2) not in ("\\", "`"):
                raise problem(self._at, line, f"the escape character is {match.group(2)!r}; expected \\ or `.")
            self._set_escape(match.group(2))
        self.directives[name] = match.group(2)

    def _instruction(self, line: str) -> Instruction:
        start = self._at
        joined = self._joined(line)
        try:
            keyword, flags, value = _split(joined)
            names = _heredoc_names(keyword, value, joined)
        except ValueError as error:
            raise problem(start, line, str(error)) from error
        heredocs = tuple(self._heredoc(start, name, strip) for name, strip in names)
        original = "\n".join(self._lines[start - 1 : self._at])
        return Instruction(keyword, value, flags, start, self._at, heredocs, original)

    def _joined(self, line: str) -> str:
        """The logical line: comments and blank lines between its parts do not end it."""
        joined = ""
        following: str | None = line
        while following is not None:
            text, continues = self._continuation.subn("", following)
            joined += text
            if not continues:
                break
            following = self._next_line()
            while following is not None and following.lstrip(words.SPACES)[:1] in ("", "#"):
                following = self._next_line()
            following = following.rstrip("\r") if following is not None else None
        return joined

    def _heredoc(self, start: int, name: str, strip: bool) -> Heredoc:
        body = []
        while True:
            line = self._next_line()
            if line is None:
                raise problem(
                    start, self._lines[start - 1], f"the here-document is not terminated; expected a line `{name}`."
                )
            end = line.rstrip("\r")
            if (end.lstrip("\t") if strip else end) == name:
                return Heredoc(name, "".join(body), strip)
            body.append(line + "\n")


def _split(line: str) -> tuple[str, tuple[str, ...], str]:
    """Keyword, flags and value of a logical line."""
    keyword, _blanks, rest = _BLANKS.sub(" ", line.strip(words.SPACES), count=1).partition(" ")
    parts = _BLANKS.split(line.strip(words.SPACES), maxsplit=1)
    keyword, rest = parts[0].upper(), parts[1] if len(parts) > 1 else ""
    flags, value = _flags(rest)
    return keyword, flags, value


def _flags(rest: str) -> tuple[tuple[str, ...], str]:
    """The leading ``--words`` without their quotes and escapes, and what follows; a bare ``--`` ends them."""
    flags = []
    at = 0
    flag = re.compile(rf"""[{words.SPACES}]*(--(?:\\.|\\\Z|"(?:\\.|[^"\\])*(?:"|\\?\Z)|'(?:\\.|[^'\\])*(?:'|\\?\Z)|[^{words.SPACES}\\"'])*)""", re.DOTALL)
    while True:
        match = flag.match(rest, at)
        if match is None:
            break
        at = match.end()
        if match.group(1) == "--":
            break
        flags.append(_FLAG_QUOTING.sub(r"\1", match.group(1)))
    return tuple(flags), rest[at:].strip(words.SPACES)
