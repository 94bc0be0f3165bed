# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A binfmt_misc entry: its meaning, and its two text forms (what the kernel prints, what it is told)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterable

from ._errors import CrossbuildError

# Limits of the kernel: https://docs.kernel.org/admin-guide/binfmt-misc.html
LINE_MAX = 1920
INTERPRETER_MAX = 127
MAGIC_END_MAX = 127
# How far the kernel looks into a program since 5.1; what is told to it here fits into the 128 bytes of older ones.
_PROGRAM_START = 256
_NAME_MAX = 255

# What a name must not be: the control files of binfmt_misc, and what a path component cannot be.
_RESERVED_NAMES = {"", ".", "..", "register", "status"}
_KERNEL_FLAG_ORDER = "POCF"
# Neither "#" nor ";": a line that starts with one is a comment in binfmt.d.
_DELIMITERS = ":|!,~^%@+="


def normalise_flags(flags: str) -> str:
    """Flags as the kernel prints them: ``CF`` reads back as ``OCF``, because C implies O."""
    if "C" in flags:
        flags += "O"
    known = [flag for flag in _KERNEL_FLAG_ORDER if flag in flags]
    return "".join(known + sorted(set(flags) - set(_KERNEL_FLAG_ORDER)))


@dataclass(frozen=True)
class Entry:
    """One registration: programs that match are run by ``interpreter``.

    A program matches by ``magic`` under ``mask`` at ``offset``, or by file name ``extension`` where that is not empty.
    An empty ``mask`` stands for all ones. ``registered_ns`` is when the kernel took it (0: not from the kernel).
    """

    name: str
    interpreter: str
    magic: bytes = b""
    mask: bytes = b""
    offset: int = 0
    extension: str = ""
    flags: str = ""
    enabled: bool = True
    registered_ns: int = 0

    def matches(self, program: bytes) -> bool:
        """Whether the kernel would run a program that starts with these bytes by this entry."""
        if not self.enabled or self.extension or not self.magic:
            return False
        # Behind a program that is shorter the kernel sees zeros.
        window = program[self.offset : self.offset + len(self.magic)].ljust(len(self.magic), b"\0")
        mask = self.mask or b"\xff" * len(self.magic)
        # The kernel masks only the program's bytes' difference: bits outside the mask do not count on either side.
        return not any((p ^ m) & k for p, m, k in zip(window, self.magic, mask))


def handler(newest_first: Iterable[Entry], program: bytes) -> Entry | None:
    """The entry that the kernel would use for this program: of several that match, the one registered last."""
    return next((entry for entry in newest_first if entry.matches(program)), None)


def overlap(one: Entry, other: Entry) -> bool:
    """Whether both are about the same extension, or a program could match both; whether they are enabled is not asked.

    Magics that look at different bytes only do not overlap: any two formats would, by a program made for that.
    """
    if one.extension or other.extension:
        return one.extension == other.extension
    left, right = _bits(one), _bits(other)
    common = left.keys() & right.keys()
    decisive = [at for at in common if left[at][1] & right[at][1]]
    return bool(decisive) and all(not (left[at][0] ^ right[at][0]) & left[at][1] & right[at][1] for at in decisive)


def same_programs(one: Entry, other: Entry) -> bool:
    """Whether two entries match the same programs, however they say it."""
    return (one.extension, _bits(one)) == (other.extension, _bits(other))


def _bits(entry: Entry) -> dict[int, tuple[int, int]]:
    """What a magic asks for: the value and the mask of each byte, by its place in the program."""
    mask = entry.mask or b"\xff" * len(entry.magic)
    return {entry.offset + at: (m & k, k) for at, (m, k) in enumerate(zip(entry.magic, mask)) if k}


def parse_bytes(text: str) -> bytes:
    """The bytes of a magic or mask that a person wrote, each as ``\\xNN`` or as itself.

    Raises CrossbuildError for what is not ASCII: most likely YAML has made one character out of ``\\xNN``.
    """
    if not text.isascii():
        raise CrossbuildError(
            f"{text!r} holds a character that is not ASCII. Write such a byte as \\xNN, and put the text between single"
            " quotes: between double quotes YAML itself makes a character of it."
        )
    return _unescape(text)


def parse_kernel_text(name: str, text: str, registered_ns: int = 0) -> Entry:
    """An entry from the text of its file in binfmt_misc. Lines that newer kernels add are passed over."""
    fields: dict[str, str] = {}
    # Only a newline ends a line, and blanks at its end belong to the path or the extension.
    for line in text.split("\n"):
        key, _blank, value = line.partition(" ")
        fields[key.rstrip(":")] = value
    return Entry(
        name=name,
        interpreter=fields.get("interpreter", ""),
        magic=bytes.fromhex(fields.get("magic", "")),
        mask=bytes.fromhex(fields.get("mask", "")),
        offset=int(fields.get("offset", "0")),
        extension=fields.get("extension", "")[1:],  # The kernel puts a dot before it.
        flags=normalise_flags(fields.get("flags", "")),
        enabled="enabled" in fields,
        registered_ns=registered_ns,
    )


def register_line(entry: Entry) -> bytes:
    """The line that registers an entry, for the ``register`` file and for binfmt.d.

    Raises CrossbuildError for what the kernel would refuse, cut short or read as something else.
    """
    _require_expressible(entry)
    taken = entry.name + entry.interpreter + entry.extension
    delimiter = next((mark for mark in _DELIMITERS if mark not in taken), None)
    if delimiter is None:
        raise CrossbuildError(
            f"The entry {entry.name!r} cannot be written: name, interpreter and extension use up every delimiter"
            f" ({' '.join(_DELIMITERS)})."
        )
    if entry.extension:
        fields = [entry.name, "E", "", entry.extension, ""]
    else:
        offset = str(entry.offset) if entry.offset else ""
        fields = [entry.name, "M", offset, _escape(entry.magic), _escape(entry.mask)]
    line = (delimiter + delimiter.join([*fields, entry.interpreter, entry.flags])).encode("utf-8", "surrogateescape")
    if len(line) > LINE_MAX:
        raise CrossbuildError(f"The entry {entry.name!r} takes {len(line)} bytes; the kernel reads {LINE_MAX} at most.")
    return line


def parse_register_line(line: bytes) -> Entry:
    """The entry that a register line describes: the inverse of register_line.

    Raises CrossbuildError for a line the kernel would refuse.
    """
    text = line.decode("utf-8", "surrogateescape")
    text = text[:-1] if text.endswith("\n") else text
    fields = text[1:].split(text[0]) if text else []
    if len(fields) != 7 or fields[1] not in ("M", "E") or "\0" in text or len(line) > LINE_MAX:
        raise CrossbuildError(
            f"Not a binfmt_misc line: {text!r}; expected :name:type:offset:magic:mask:interpreter:flags,"
            f" of type M or E and of at most {LINE_MAX} bytes."
        )
    name, kind, offset, magic, mask, interpreter, flags = fields
    entry = Entry(name, interpreter, flags=normalise_flags(flags))
    if kind == "E":
        entry = replace(entry, extension=magic)
    else:
        if not re.fullmatch(r"(\+?[0-9]+)?", offset):
            raise CrossbuildError(f"Not a binfmt_misc line: {text!r}; its offset {offset!r} is no number.")
        entry = replace(entry, offset=int(offset or 0), magic=_unescape(magic), mask=_unescape(mask))
    problem = _kernel_refusal(entry)
    if problem:
        raise CrossbuildError(f"Not a line that the kernel takes: {text!r}; {problem}.")
    return entry


def _require_expressible(entry: Entry) -> None:
    problem = _encoding_problem(entry) or _kernel_refusal(entry) or _ambiguity(entry)
    if problem:
        raise CrossbuildError(
            f"The entry {entry.name!r} (interpreter {entry.interpreter!r}) cannot be registered: {problem}."
        )


def _encoding_problem(entry: Entry) -> str | None:
    try:
        for text in (entry.name, entry.interpreter, entry.extension):
            text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        return f"{error.object[error.start : error.end]!r} is no text"
    return None


def _kernel_refusal(entry: Entry) -> str | None:
    """What every kernel would refuse, however it is written; see create_entry() in its fs/binfmt_misc.c."""
    if entry.name in _RESERVED_NAMES or "/" in entry.name:
        return "its name must be a plain file name other than 'register' and 'status'"
    if len(entry.name.encode("utf-8", "surrogateescape")) > _NAME_MAX:
        return f"its name must have at most {_NAME_MAX} bytes"
    if not entry.interpreter:
        return "its interpreter must be an absolute path"
    if bool(entry.magic) == bool(entry.extension):
        return "it needs a magic or an extension, and not both"
    if "/" in entry.extension:
        return "its extension must not contain a slash"
    if entry.mask and len(entry.mask) != len(entry.magic):
        return f"its mask has {len(entry.mask)} bytes and its magic {len(entry.magic)}"
    if entry.offset + len(entry.magic) > _PROGRAM_START:
        return f"its magic must end within the first {_PROGRAM_START} bytes of a program"
    if not re.fullmatch("[A-Z]*", entry.flags):
        return "its flags must be capital letters"
    return None


def _ambiguity(entry: Entry) -> str | None:
    """What some kernel would refuse, or what it, binfmt.d or a reader of its files could take for something else."""
    interpreter = entry.interpreter.encode("utf-8", "surrogateescape")
    if _has_control(entry.name + entry.interpreter + entry.extension):
        return "name, interpreter and extension must not contain control characters"
    if not entry.interpreter.startswith("/") or len(interpreter) > INTERPRETER_MAX:
        return f"its interpreter must be an absolute path of at most {INTERPRETER_MAX} bytes"
    if entry.extension and entry.offset:
        return "an extension has no offset"
    if entry.offset < 0 or entry.offset + len(entry.magic) > MAGIC_END_MAX:
        return f"its magic must end within the first {MAGIC_END_MAX} bytes of a program"
    return None


def _has_control(text: str) -> bool:
    return any(ord(char) < 32 or ord(char) == 127 for char in text)


def _escape(data: bytes) -> str:
    # Every byte escaped: no byte of a magic can then be the delimiter, a backslash or a newline.
    return "".join(f"\\x{byte:02x}" for byte in data)


def _unescape(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if re.search(rb"\\x(?![0-9a-fA-F]{2})", raw):
        raise CrossbuildError(
            f"{text!r} is no magic or mask of binfmt_misc: it has an escape that is not of the form \\xNN."
        )
    # A backslash before anything else is kept together with that, so that in "\\x41" no escape begins.
    return re.sub(rb"(?s)\\x(..)|\\.", lambda hit: bytes.fromhex(hit[1].decode()) if hit[1] else hit[0], raw)
