# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A .dockerignore as current buildx reads it, its oddities included: an image must not depend on who built it.

The definition is github.com/moby/patternmatcher and the walk of github.com/tonistiigi/fsutil. Paths are text in which
a byte that is not UTF-8 is a surrogate, as ``os.fsdecode`` gives them: ``?`` and ``[...]`` match characters.
"""

from __future__ import annotations

import functools
import posixpath
import re
from dataclasses import dataclass
from typing import Callable

from ._errors import CrossbuildError
from ._shell_words import SPACES

_CLASS_CHAR = r"(?:\\[^\udc80-\udcff]|[^]\\\udc80-\udcff-])"
_CLASS = rf"\[\^?(?:{_CLASS_CHAR}(?:-{_CLASS_CHAR})?)+\]"
# Up to an asterisk. Go checks a pattern by matching it with ".", and does not look at what it need not compare.
_CHUNK = re.compile(rf"\**(?!\*)(?:\\.|{_CLASS}|[^\\[*])*(?=\*|\Z)", re.DOTALL)
_DOT_CHUNK = re.compile(rf"\**(?:[.?]|\\\.|{_CLASS})(?=\*)", re.DOTALL)
# gRPC refuses these in the message in which buildx asks for the context.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_POSIX_CLASS = re.compile(r"\[[^]]*\[:\^?[a-z]+:\]")

# What a backslash and a letter mean in Go's regular expressions, which get them as they are.
_ESCAPES = {char: "\\" + char for char in "dDwWSafnrtvAbB"}
_ESCAPES.update({"s": " \\t\\n\\f\\r", "z": "\\Z"})


@dataclass(frozen=True)
class Pattern:
    """One line: cleaned, without its ``!``. ``matches`` knows the path itself, not what lies above or below it."""

    text: str
    reincludes: bool
    line: int
    matches: Callable[[str], bool]


@dataclass(frozen=True)
class Decision:
    """``excluded`` for one path, and in ``matches`` what Patterns.decide needs to know for the paths below it."""

    excluded: bool
    matches: tuple[bool, ...]


class Patterns:
    """The patterns of a file, in its order. Without patterns nothing is excluded."""

    def __init__(self, patterns: list[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._reincluded = [_without_trailing_glob(p.text) for p in patterns if p.reincludes]
        self._reincludes_anywhere = any(re.search(r"[]*[?^\\]", text) for text in self._reincluded)
        self._directories: dict[str, tuple[bool, ...]] = {"": ()}

    def decide(self, path: str, parent: tuple[bool, ...] = ()) -> Decision:
        """Whether ``path`` (relative, with ``/``) is excluded, given the ``matches`` of its directory (top: none)."""
        excluded = False
        matches = []
        for index, pattern in enumerate(self.patterns):
            matched = bool(parent) and parent[index]
            # A pattern that would change nothing counts as not matching, also for everything below.
            if not matched and pattern.reincludes == excluded:
                matched = pattern.matches(path)
            matches.append(matched)
            if matched:
                excluded = not pattern.reincludes
        return Decision(excluded, tuple(matches))

    def may_reinclude_below(self, directory: str) -> bool:
        """Whether a walk must look into an excluded directory: some ``!`` pattern may match below it."""
        below = directory + "/"
        return self._reincludes_anywhere or any((text + "/").startswith(below) for text in self._reincluded)

    def leave_out(self, path: str, is_directory: bool) -> tuple[bool, bool]:
        """For a tree walk: whether to leave ``path`` out, and whether to look below it.

        Which patterns matched above counts, too, and is remembered here.
        """
        if not self.patterns:
            return False, is_directory
        decision = self.decide(path, self._matches_of(posixpath.dirname(path)))
        if not is_directory:
            return decision.excluded, False
        self._directories[path] = decision.matches
        return decision.excluded, not decision.excluded or self.may_reinclude_below(path)

    def _matches_of(self, directory: str) -> tuple[bool, ...]:
        if directory not in self._directories:
            above = self._matches_of(posixpath.dirname(directory))
            self._directories[directory] = self.decide(directory, above).matches
        return self._directories[directory]


def parse(data: bytes) -> Patterns:
    """Read the bytes of a .dockerignore. Raises CrossbuildError naming an invalid pattern and its line.

    So does asking the result about a path, where the pattern is invalid only as an expression: buildx, too, ignores that
    until it needs the pattern, and it needs none with a ``!`` where nothing is left out.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    patterns = []
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        # Only a # in the first column begins a comment.
        text = "" if line.startswith("#") else line.strip(SPACES)
        if text:
            patterns.append(_pattern(text, number))
    return Patterns(patterns)


def _error(text: str, line: int, problem: str) -> CrossbuildError:
    return CrossbuildError(f".dockerignore, line {line}: the pattern {text!r} is invalid: {problem}.")


def _pattern(written: str, line: int) -> Pattern:
    text = _cleaned(written)
    if _CONTROL.search(text):
        raise _error(written, line, "it has a control character, which buildx cannot send; end lines with LF or CR LF")
    reincludes = text.startswith("!")
    text = text[1:] if reincludes else text
    if not text:
        raise _error(written, line, "nothing follows the !; expected what to include again")
    dot = _DOT_CHUNK.match(text)
    if not _CHUNK.match(text) or (dot and not _CHUNK.match(text, dot.end())):
        raise _error(written, line, "a [ has no ], a class is empty, or nothing follows a - or \\")
    return Pattern(text, reincludes, line, _matcher(text, lambda problem: _error(written, line, problem)))


def _cleaned(text: str) -> str:
    """The shortest form relative to the context, with its ``!``. What is cleaned twice here is cleaned twice there."""
    mark = "!" if text.startswith("!") else ""
    text = text[len(mark) :].strip(SPACES)
    if text:
        text = _shortest(text)
        text = text[1:] if len(text) > 1 and text.startswith("/") else text
    return _shortest((mark + text).strip(SPACES))


def _shortest(path: str) -> str:
    # normpath keeps two leading slashes, which POSIX leaves to the system and Go does not.
    return posixpath.normpath("/" + path.lstrip("/") if path.startswith("/") else path)


def _without_trailing_glob(text: str) -> str:
    for glob in ("/**", "/*"):
        if text.endswith(glob):
            text = text[: -len(glob)]
    return text


def _matcher(text: str, refusal: Callable[[str], CrossbuildError]) -> Callable[[str], bool]:
    """What tells whether a path matches. Raises ``refusal`` for a bad expression, which Go makes of it only when asked."""
    if not re.search(r"[]*?[\\]", text):
        return text.__eq__
    prefix, suffix = text[:-2], text[2:]
    if text.endswith("**") and not re.search(r"[]*?[\\]", prefix) and prefix:
        return lambda path: path.startswith(prefix)
    if text.startswith("**") and not re.search(r"[]*?[\\]", suffix):
        return lambda path: path.endswith(suffix) or (path == suffix[1:] and suffix.startswith("/"))

    @functools.lru_cache(maxsize=None)
    def regex() -> re.Pattern[str]:
        try:
            return re.compile(_Translation(text).source, re.ASCII)
        except (ValueError, OverflowError, re.error) as error:
            raise refusal(str(error)) from error

    return lambda path: regex().search(_as_go_reads(path)) is not None


def _as_go_reads(text: str) -> str:
    """Go's regular expressions know one stand-in for all bytes that are not UTF-8."""
    return text if text.isascii() else re.sub("[\udc80-\udcff]", "\ufffd", text)


class _Translation:
    """A pattern as a regular expression, as moby/patternmatcher makes it.

    ``|``, ``{``, ``}`` and ``^`` keep their meaning in the expression, and ``*`` and ``?`` are replaced also inside a
    class: that is what it does.
    """

    def __init__(self, text: str) -> None:
        if _POSIX_CLASS.search(text):
            raise ValueError("classes such as [:alpha:] are not supported here; expected characters and ranges")
        # Go's scanner drops a byte order mark, as a file's first line could begin with one.
        self.text = _as_go_reads(text[1:] if text.startswith("\ufeff") else text)
        self.at = 0
        self.in_class = False
        self.source, self.end = "^", r"\Z"
        while self.at < len(self.text):
            self.source += self.next()
        if self.in_class:
            raise ValueError("a [ has no ]")
        self.source += self.end

    def take(self, expected: str = "") -> bool:
        """Step over ``expected`` where it comes next."""
        found = self.text.startswith(expected, self.at)
        self.at += len(expected) if found else 0
        return found

    def next(self) -> str:
        char = self.text[self.at]
        self.at += 1
        if char == "*" and self.take("*"):
            self.take("/")
            return ".*" if self.at == len(self.text) else "(.*/)?"
        if char in "*?":
            return self.opened("[^/]") + ("*" if char == "*" else "")
        if char == "\\":
            if self.at == len(self.text):
                self.end = ""
                return r"\$"  # it escapes the $ that Go puts there as the end
            self.at += 1
            return self.escaped(self.text[self.at - 1])
        if char == "[":
            source, self.in_class = self.opened("["), True
            return source
        if char == "]":
            self.in_class = False
        elif char == "{" and self.text.startswith(",", self.at):
            return "\\{"  # a repetition only to Python
        elif char in ".+()$" or (self.in_class and char in "&~|"):
            return "\\" + char
        return char

    def opened(self, bracket: str) -> str:
        """A class inside a class is its characters; what would close it closes the outer one."""
        inside, self.in_class = self.in_class, False
        return "\\" + bracket if inside else bracket

    def escaped(self, char: str) -> str:
        if not (char.isascii() and char.isalnum()):
            if not char.isascii():
                raise ValueError(f"\\{char} is no escape")
            return "\\" + char
        if char not in _ESCAPES or (self.in_class and char in "AzbB"):
            raise ValueError(f"\\{char} is not supported; directories are separated by / also for Windows")
        source = _ESCAPES[char]
        return f"[{source}]" if char == "s" and not self.in_class else source
