# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Dockerfile's instructions as BuildKit's parser finds them: any word may be one, in any order."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from typing import Iterator

from ._errors import CrossbuildError
from ._shell_words import SPACES, WordError, quoted_words, raw_words, unquoted_words

_HEREDOC_KEYWORDS = ("ADD", "COPY", "RUN")
_JSON_KEYWORDS = ("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME")

# What separates a keyword from its arguments.
BLANKS = re.compile(r"[\t\v\f\r ]+")
_BYTE_SPACES = "\t\n\v\f\r \x85\xa0"
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\f\r ]*=[\t\f\r ]*(.+?)[\t\f\r ]*\Z")
_HEREDOC = re.compile(r"[0-9]*<<(-?)[\t\n\f\r ]*([^<]+)\Z")


@dataclass(frozen=True)
class Heredoc:
    """``<<name``. ``body`` is as written; ``strip`` (``<<-``) and ``expand`` (unquoted) say what becomes of it."""

    name: str
    body: str
    strip: bool
    expand: bool


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``start`` and ``end`` are its first and last line, counted from 1, heredocs included.

    ``value`` is the text behind keyword and flags with continued lines joined. ``original`` is the source of the
    lines, unchanged. ``json`` says whether the arguments (below ONBUILD, those of its instruction) are a JSON list.
    ``keyword_end`` is where in ``original`` the keyword ends, which may be continued on another line.
    """

    keyword: str
    value: str
    flags: tuple[str, ...]
    start: int
    end: int
    heredocs: tuple[Heredoc, ...]
    original: str
    json: bool = False
    keyword_end: int = 0

    def flag_values(self, name: str) -> list[str]:
        """The values of all ``--name=value`` flags."""
        prefix = f"--{name}="
        return [flag[len(prefix) :] for flag in self.flags if flag.startswith(prefix)]

    def mounts(self) -> list[list[str]]:
        """The fields, ``name=value`` or a name alone, of each ``--mount``."""
        return list(csv.reader(self.flag_values("mount")))


@dataclass(frozen=True)
class Directives:
    """The ``# name=value`` lines at the top, values as written."""

    escape: str = "\\"
    syntax: str | None = None
    check: str | None = None


def lex(text: str) -> tuple[Directives, list[Instruction]]:
    """Directives and instructions of a Dockerfile's text.

    Raises CrossbuildError for what already that parser refuses: an unterminated heredoc, a bad directive, ...
    """
    lines = text[1:].split("\n") if text.startswith("\ufeff") else text.split("\n")
    lines = [line + "\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
    directives = _directives(lines)
    instructions = list(_Lexer(lines, directives.escape).instructions())
    if not instructions:
        raise CrossbuildError("The Dockerfile has no instructions; expected at least a FROM.")
    return directives, instructions


def line_error(line: int, source: str, problem: str) -> CrossbuildError:
    """The error for a problem in a line, which it shows."""
    shown = source.strip().split("\n")[0][:120]
    return CrossbuildError(f"Dockerfile, line {line}: {problem}. The line is: {shown}")


def _directives(lines: list[str]) -> Directives:
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n").lstrip(SPACES)
        match = _DIRECTIVE.match(text[1:].lstrip(SPACES)) if text.startswith("#") else None
        name = match.group(1).lower() if match else ""
        if match is None or name not in ("escape", "syntax", "check"):
            break
        if name in found:
            raise line_error(number, line, f"the directive {name!r} is given twice, expected once")
        found[name] = match.group(2)
        if name == "escape" and found[name] not in ("\\", "`"):
            raise line_error(number, line, f"the escape character is {found[name]!r}, expected \\ or `")
    return Directives(found.get("escape", "\\"), found.get("syntax"), found.get("check"))


class _Lexer:
    def __init__(self, lines: list[str], escape: str) -> None:
        self.lines = lines
        self.escape = escape
        self.count = 0  # lines read so far
        # An escaped escape character continues nothing.
        self.continuation = re.compile(r"(?:(?<=[^{0}])|^){0}[ \t]*\Z".format(re.escape(escape)))

    def instructions(self) -> Iterator[Instruction]:
        while self.count < len(self.lines):
            line = self.read().rstrip("\r\n").lstrip(SPACES)
            if line and not line.startswith("#"):
                yield self.instruction(line)

    def read(self) -> str:
        self.count += 1
        return self.lines[self.count - 1]

    def instruction(self, first: str) -> Instruction:
        start = self.count
        pieces = self.pieces(first)
        line = "".join(text for _start, text in pieces)
        keyword, flags, value = _split(line, self.escape)
        try:
            is_json = _check_arguments(keyword, value, self.escape)
            words = [] if is_json else _heredoc_words(keyword, value, line, self.escape)
            heredocs = tuple(self.heredoc(*word) for word in words)
        except ValueError as error:
            raise line_error(start, self.lines[start - 1], str(error)) from error
        original = "".join(self.lines[start - 1 : self.count])
        end = _keyword_end(pieces)
        return Instruction(keyword, value, flags, start, self.count, heredocs, original, is_json, end)

    def pieces(self, line: str) -> list[tuple[int, str]]:
        """``line`` and the lines it continues on, each with where it begins, counted from that of the first one.

        Comments and empty lines between them do not end it.
        """
        source = self.lines[self.count - 1]
        match = self.continuation.search(line)
        found = [(len(source) - len(source.lstrip(SPACES)), line[: match.start()] if match else line)]
        start = len(source)
        while match and self.count < len(self.lines):
            source = self.read()
            line = source.rstrip("\r\n")
            stripped = line.lstrip(SPACES)
            if stripped and not stripped.startswith("#"):
                match = self.continuation.search(line)
                found.append((start, line[: match.start()] if match else line))
            start += len(source)
        return found

    def heredoc(self, name: str, strip: bool, expand_body: bool) -> Heredoc:
        body = ""
        while self.count < len(self.lines):
            line = self.read()
            end = line.rstrip("\r\n")
            if (end.lstrip("\t") if strip else end) == name:
                return Heredoc(name, body, strip, expand_body)
            body += line
        raise ValueError(f"the heredoc <<{name} has no end, expected a line with {name} alone")


def _keyword_end(pieces: list[tuple[int, str]]) -> int:
    line = "".join(text for _start, text in pieces)
    bare = line.lstrip(SPACES)
    left = len(line) - len(bare) + len(BLANKS.split(bare.rstrip(SPACES), 1)[0])
    for start, text in pieces:
        if left <= len(text):
            return start + left
        left -= len(text)
    raise AssertionError("the keyword is a part of the line")


def _split(line: str, escape: str) -> tuple[str, tuple[str, ...], str]:
    """Keyword, flags and the rest of a joined line."""
    keyword, *rest = BLANKS.split(line.strip(SPACES), 1)
    flags: list[str] = []
    # BuildKit takes each byte of a flag for a character, so it garbles what is not ASCII.
    text = "".join(rest).encode("utf-8", "surrogateescape").decode("latin-1").lstrip(_BYTE_SPACES)
    while text.startswith("--"):
        flag, text = _flag(text, escape)
        if flag == "--":
            break
        flags.append(flag)
        text = text.lstrip(_BYTE_SPACES)
    return keyword.upper(), tuple(flags), text.encode("latin-1").decode("utf-8", "surrogateescape").strip(SPACES)


def _flag(text: str, escape: str) -> tuple[str, str]:
    """The first word of ``text`` without quotes and escapes, and what follows it."""
    word, quote, at = "", "", 0
    while at < len(text):
        char = text[at]
        if char == escape:
            at += 1
            word += text[at : at + 1]
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif not quote and char in _BYTE_SPACES:
            break
        else:
            word += char
        at += 1
    return word, text[at:]


def _check_arguments(keyword: str, value: str, escape: str) -> bool:
    """Whether the arguments are a JSON list. Raises ValueError for arguments that BuildKit's parser refuses."""
    if keyword == "ONBUILD" and value:
        inner, _flags, inner_value = _split(value, escape)
        return _check_arguments(inner, inner_value, escape)
    if keyword == "HEALTHCHECK":
        value = re.sub(rf"\A[^{SPACES}]*", "", value)
    elif keyword in ("ENV", "LABEL"):
        _check_pairs(keyword, value, escape)
        return False
    elif keyword not in _JSON_KEYWORDS:
        return False
    return _is_json_list(value)


def _is_json_list(value: str) -> bool:
    try:
        text = value.lstrip(SPACES)
        items = json.loads(text, parse_constant=_no_constant) if text.startswith("[") else None
    except (ValueError, RecursionError):
        return False
    if items is None:
        return False
    if not all(isinstance(item, str) for item in items):
        raise ValueError("the JSON list holds something else than strings, expected strings only")
    return True


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is JavaScript, not JSON")


def _check_pairs(keyword: str, value: str, escape: str) -> None:
    words = quoted_words(value, escape)
    if words and "=" not in words[0] and len(BLANKS.split(value, 1)) < 2:
        raise ValueError(f"{keyword} has a name without a value, expected {keyword} name=value")
    if words and "=" in words[0]:
        for word in words:
            if "=" not in word:
                raise ValueError(f"{keyword} has {word!r} without '=', expected name=value")


def _heredoc_words(keyword: str, value: str, line: str, escape: str) -> Iterator[tuple[str, bool, bool]]:
    """Name, strip and expand of each heredoc that a joined line begins."""
    inner = _split(value, escape)[0] if keyword == "ONBUILD" else keyword
    if inner not in _HEREDOC_KEYWORDS or "<<" not in line:
        return
    try:
        words = raw_words(line)
    except WordError:
        # BuildKit leaves a line with an open quote to the shell of the image, and looks for no heredoc in it.
        return
    for word in words:
        match = _HEREDOC.match(word)
        names = unquoted_words(match.group(2)) if match else []
        if match and len(names) == 1:
            quoted = re.search("['\"]", match.group(2)) is not None
            yield names[0], match.group(1) == "-", not quoted
