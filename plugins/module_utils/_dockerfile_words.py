# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words, quotes and variables of a Dockerfile line, in the dialect of shell that Docker speaks.

https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

import re
from typing import Mapping

# What Go's unicode.IsSpace accepts: str.isspace() would also take the control characters 0x1c to 0x1f.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_SPACE_RUN = re.compile(f"[{SPACES}]")
# A run of digits, one of the shell's special parameters, or an ordinary name (possibly none).
_NAME = re.compile(r"\d+|[@*#?$!-]|\w*")
# Cannot occur in a Dockerfile that an engine accepts; marks the blanks that end a word.
_GAP = "\0"


def expand(text: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """``text`` without its quotes and escapes, and with its variables replaced; unset ones are empty.

    Raises ValueError with what is wrong: an open quote or brace, a bad substitution, ``${X:?message}``.
    """
    return _Reader(text, variables, escape).until("")[0]


def split_raw(text: str) -> list[str]:
    """The words of a shell line exactly as written: quotes, escapes and variables stay.

    A line that is no valid shell has no words.
    """
    try:
        return _Reader(text, {}, raw=True, keep_unset=True).until("")[1]
    except ValueError:
        return []


def unquote(text: str) -> list[str]:
    """The words of ``text`` without quotes and escapes, variables as written. Raises ValueError as ``expand``."""
    return _Reader(text, {}, keep_unset=True).until("")[1]


def split_assignments(text: str, escape: str = "\\") -> list[str]:
    """The words of ``A=1 B="2 3"`` with their quotes, as ARG separates them."""
    esc = re.escape(escape)
    word = rf"""(?:{esc}.|"(?:{esc}.|[^"{esc}])*"?|'[^']*'?|[^{SPACES}{esc}"'])+"""
    return re.findall(word, text, re.DOTALL)


class _Reader:
    """Reads a text once, left to right. ``raw`` keeps quotes and escapes, ``keep_unset`` unknown variables."""

    def __init__(
        self, text: str, variables: Mapping[str, str], escape: str = "\\", raw: bool = False, keep_unset: bool = False
    ) -> None:
        self._text = text
        self._at = 0
        self._variables = variables
        self._escape = escape
        self._raw_quotes = raw
        self._raw_escapes = raw
        self._keep_unset = keep_unset

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += len(char)
        return char

    def until(self, stop: str) -> tuple[str, list[str]]:
        """What stands before the next ``stop`` (empty: the end): as one text, and as words."""
        text = marked = ""
        while self._peek():
            if self._peek() == stop:
                self._next()
                break
            piece, splits = self._piece()
            text += piece
            marked += _SPACE_RUN.sub(_GAP, piece) if splits else piece
        else:
            if stop:
                raise ValueError(f"a closing {stop!r} is missing")
        return text, [word for word in marked.split(_GAP) if word]

    def _piece(self) -> tuple[str, bool]:
        """The next quoted part, variable, escape or character, and whether blanks in it end a word."""
        char = self._peek()
        if char == "'":
            return self._single_quoted(), False
        if char == '"':
            return self._double_quoted(), False
        if char == "$":
            return self._variable(), True
        self._next()
        if char == self._escape:
            return (char if self._raw_escapes else "") + self._next(), False
        return char, True

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise ValueError("a closing single quote is missing")
        start, self._at = self._at, end + 1
        return self._text[start : end + 1] if self._raw_quotes else self._text[start + 1 : end]

    def _double_quoted(self) -> str:
        quote = self._next() if self._raw_quotes else self._next()[:0]
        text = quote
        while self._peek() != '"':
            if self._peek() == "$":
                text += self._variable()
            elif self._peek() == "":
                raise ValueError("a closing double quote is missing")
            else:
                text += self._quoted_char()
        self._next()
        return text + quote

    def _quoted_char(self) -> str:
        """A character between double quotes: there the escape only escapes a quote, a dollar and itself."""
        char = self._next()
        if char != self._escape:
            return char
        kept = char if self._raw_escapes else ""
        following = self._peek()
        if following in ('"', "$", self._escape) or not following:
            return kept + self._next()
        return kept + char

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        name = match.group() if match else ""
        self._at += len(name)
        return name

    def _variable(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            return self._variables.get(name, f"${name}" if self._keep_unset else "")
        self._next()
        start = self._at
        if self._peek() in ("{", "}", ":", ""):
            raise ValueError("bad substitution: a variable's name is missing after '${'")
        name = self._name()
        value = self._substitute(name, self._next())
        if self._keep_unset and name not in self._variables:
            return "${" + self._text[start : self._at]
        return value

    def _substitute(self, name: str, modifier: str) -> str:
        """The value of ``${name<modifier>…}``; reads up to the closing brace."""
        value = self._variables.get(name)
        if modifier == "}":
            return value or ""
        if modifier == "/":
            return self._replaced(value or "")
        if modifier == ":":
            modifier = self._next()
            value = value or None if modifier in ("+", "-", "?") else value
        if modifier in ("+", "-", "?"):
            word = self.until("}")[0]
            if modifier == "+":
                return "" if value is None else word
            if value is None and modifier == "?" and not self._keep_unset:
                raise ValueError(f"{name}: {word or 'is not set or empty'}")
            return word if value is None else value
        if modifier in ("#", "%"):
            return _trimmed(value or "", self._raw_until("}"), modifier)
        raise ValueError(f"unsupported modifier {modifier!r} in the substitution of {name!r}")

    def _replaced(self, value: str) -> str:
        count = 1
        if self._peek() == "/":
            self._next()
            count = 0
        pattern, replacement = self._raw_until("/"), self._raw_until("}")
        return _pattern(pattern).sub(lambda match: replacement, value, count=count)

    def _raw_until(self, stop: str) -> str:
        """Up to ``stop`` with the escapes kept, which belong to the pattern."""
        before, self._raw_escapes = self._raw_escapes, True
        text = self.until(stop)[0]
        self._raw_escapes = before
        return text


def _pattern(pattern: str) -> re.Pattern[str]:
    """``*`` and ``?`` as a regular expression; there are no classes here."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return re.compile("".join({"*": ".*", "?": "."}.get(part) or re.escape(part[-1]) for part in parts))


def _trimmed(value: str, pattern: str, modifier: str) -> str:
    """``${X#pattern}`` and ``${X%pattern}``; a doubled modifier removes the longest match, not the shortest."""
    longest = pattern.startswith(modifier)
    wanted = _pattern(pattern[1:] if longest else pattern)
    lengths = range(len(value) + 1)
    for length in reversed(lengths) if longest else lengths:
        head, tail = value[: len(value) - length], value[len(value) - length :]
        if modifier == "#":
            head, tail = value[length:], value[:length]
        if wanted.fullmatch(tail):
            return head
    return value
