# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotes, escapes and ``${variables}`` in a Dockerfile, by BuildKit's rules, which are not quite a shell's."""

from __future__ import annotations

import re
from typing import Mapping

# What Go calls a space. Python's str.isspace() adds the separators 0x1c to 0x1f, so it cannot stand in for this.
SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

_SPECIAL_PARAMETERS = "@*#?-$!"


class WordError(ValueError):
    """A word that cannot be expanded. The message says why; the caller knows the line."""


def expand(text: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """``text`` without its quotes and escapes and with its variables replaced; an unset variable is empty.

    Understands ``$X ${X} ${X:-d} ${X-d} ${X:+a} ${X+a} ${X:?m} ${X?m} ${X#p} ${X##p} ${X%p} ${X%%p} ${X/p/r}
    ${X//p/r}``. Raises WordError for an open quote, a bad substitution, and where ``?`` says so.
    """
    return _Reader(text, escape, variables, raw=False).read_until("", False)


def unquoted_words(text: str) -> list[str]:
    """The words of ``text`` without quotes and escapes; variables stay as they are. Raises WordError."""
    return _words(text, raw=False)


def raw_words(text: str) -> list[str]:
    """The words of ``text`` with quotes, escapes and variables as they are. Raises WordError.

    ``<<`` and a word after it are one word, however many blanks are between them.
    """
    return _words(text, raw=True)


def quoted_words(text: str, escape: str) -> list[str]:
    """The words of ``text`` with their quotes and escapes, by which they may hold spaces.

    An open quote is no error, and an escape at the very end is dropped.
    """
    mark = re.escape(escape)
    double = rf"\"(?:{mark}.|[^\"{mark}])*(?:\"|(?={mark}?\Z))"
    return re.findall(rf"(?:'[^']*(?:'|\Z)|{double}|{mark}.|[^{SPACES}'\"{mark}])+", text)


def _words(text: str, raw: bool) -> list[str]:
    reader = _Reader(text, "\\", None, raw)
    reader.read_until("", raw)
    reader.end_word()
    return reader.words


class _Reader:
    """Reads a text once from left to right. Without ``variables`` they are not looked up but left in place."""

    def __init__(self, text: str, escape: str, variables: Mapping[str, str] | None, raw: bool) -> None:
        self.text = text
        # Go's scanner takes a byte order mark at the start of any text for one.
        self.at = 1 if text.startswith("\ufeff") else 0
        self.escape = escape
        self.variables = variables
        self.raw_quotes = self.raw_escapes = raw
        self.word = ""
        self.words: list[str] = []

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        self.at += len(char)
        return char

    def end_word(self) -> None:
        if self.word:
            self.words.append(self.word)
        self.word = ""

    def read_until(self, stop: str, raw_escapes: bool) -> str:
        """The text up to the character ``stop``, which is taken too; up to the end where ``stop`` is empty."""
        outer, self.raw_escapes = self.raw_escapes, raw_escapes
        result = ""
        while self.peek():
            if self.peek() == stop:
                self.take()
                break
            result += self.piece()
        else:
            if stop:
                raise WordError(f"'{stop}' is missing")
        self.raw_escapes = outer
        return result

    def nested(self, stop: str, raw_escapes: bool) -> str:
        """Like read_until, inside a ``${...}``. Its words are not words of the whole.

        What the current word held before the ``$`` is lost: BuildKit forgets it as well, so that ``<<E${X:-y}``
        starts no heredoc.
        """
        words, self.words, self.word = self.words, [], ""
        result = self.read_until(stop, raw_escapes)
        self.words, self.word = words, ""
        return result

    def piece(self) -> str:
        char = self.peek()
        if char == "$":
            text = self.dollar()
            for part in text:
                self.add(part)
            return text
        if char == "'" or char == '"':
            text = self.single_quoted() if char == "'" else self.double_quoted()
        elif char == "<":
            text = self.less_than()
        elif char == self.escape:
            self.take()
            text = (char if self.raw_escapes else "") + self.take()
        else:
            self.add(char)
            return self.take()
        self.word += text
        return text

    def add(self, char: str) -> None:
        if char in SPACES:
            self.end_word()
        else:
            self.word += char

    def less_than(self) -> str:
        text = self.take()
        if self.peek() == "<":
            text += self.take()
            while self.peek() and self.peek() in "\t\r ":
                text += self.take()
        return text

    def single_quoted(self) -> str:
        self.take()
        end = self.text.find("'", self.at)
        if end < 0:
            raise WordError("a single quote is never closed")
        content, self.at = self.text[self.at : end], end + 1
        return f"'{content}'" if self.raw_quotes else content

    def double_quoted(self) -> str:
        self.take()
        content = ""
        while self.peek() != '"':
            if not self.peek():
                raise WordError("a double quote is never closed")
            content += self.dollar() if self.peek() == "$" else self.double_quoted_char()
        self.take()
        return f'"{content}"' if self.raw_quotes else content

    def double_quoted_char(self) -> str:
        char = self.take()
        if char != self.escape:
            return char
        kept = char if self.raw_escapes else ""
        if not self.peek():
            return kept
        if self.peek() in ('"', "$", self.escape):
            return kept + self.take()
        return kept + char

    def dollar(self) -> str:
        self.take()
        if self.peek() != "{":
            name = self.name()
            return self.value(name, "$" + name) if name else "$"
        self.take()
        if not self.peek():
            raise WordError("'}' is missing")
        if self.peek() in "{}:":
            raise WordError("a name is missing behind '${'")
        name = self.name()
        operator = self.take()
        if operator == "}":
            return self.value(name, "${" + name + "}")
        if operator == "/":
            return self.replaced(name)
        if operator == ":":
            operator += self.take()
        return self.modified(name, operator)

    def name(self) -> str:
        first = self.peek()
        if first and first in _SPECIAL_PARAMETERS:
            return self.take()
        name = ""
        while self.peek().isdecimal() or (not first.isdecimal() and (self.peek().isalpha() or self.peek() == "_")):
            name += self.take()
        return name

    def value(self, name: str, as_written: str) -> str:
        return as_written if self.variables is None else self.variables.get(name, "")

    def modified(self, name: str, operator: str) -> str:
        if not operator or operator[0] not in ":+-?#%" or operator in (":#", ":%"):
            raise WordError(f"'{operator}' is unknown in ${{{name}{operator}...}}")
        word = self.nested("}", operator in "#%")
        if self.variables is None:
            return "${" + name + operator + word + "}"
        value = self.variables.get(name, "")
        missing = name not in self.variables or (operator[0] == ":" and not value)
        kind = operator[-1]
        if kind == "-":
            return word if missing else value
        if kind == "+":
            return "" if missing else word
        if kind == "?":
            if missing:
                raise WordError(f"{name}: {word or 'a value is required'}")
            return value
        if kind in "#%":
            return _trimmed(value, kind, word)
        raise WordError(f"'{operator}' is unknown in ${{{name}{operator}...}}")

    def replaced(self, name: str) -> str:
        every = self.peek() == "/"
        if every:
            self.take()
        pattern = self.nested("/", True)
        replacement = self.nested("}", True)
        if self.variables is None:
            return f"${{{name}/{pattern}/{replacement}}}"
        regex = _pattern(pattern)
        return regex.sub(lambda found: replacement, self.variables.get(name, ""), count=0 if every else 1)


def _pattern(pattern: str) -> re.Pattern[str]:
    """A shell pattern of ``*``, ``?`` and escapes as a regular expression; there are no ``[...]`` classes."""
    source, chars = "", iter(pattern)
    for char in chars:
        if char == "\\":
            char = next(chars, "")
            # In ${X/a\/b/c} the escape is the substitution's, not the pattern's.
            if not char or char not in "}/*?\\":
                raise WordError(f"'\\{char}' is unknown in the pattern {pattern!r}")
            source += re.escape(char)
        else:
            source += {"*": ".*", "?": "."}.get(char) or re.escape(char)
    return re.compile(source)


def _trimmed(value: str, side: str, pattern: str) -> str:
    """``value`` without the shortest matching prefix (``#``) or suffix (``%``); doubled, the longest."""
    longest = pattern.startswith(side)
    regex = _pattern(pattern[1:] if longest else pattern)
    for length in sorted(range(len(value) + 1), reverse=longest):
        cut = length if side == "#" else len(value) - length
        head, tail = value[:cut], value[cut:]
        if regex.fullmatch(head if side == "#" else tail):
            return tail if side == "#" else head
    return value
