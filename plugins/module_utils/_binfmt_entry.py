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

# What a name must not be: the control files of binfmt_misc, and what a path component cannot be.
_RESERVED_NAMES = {"", ".", "..", "register", "status"}
_KERNEL_FLAG_ORDER = "POCF"


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
        if not self.enabled or self.extension:
            return False
        window = program[self.offset : self.offset + len(self.magic)]
        mask = self.mask or b"\xff" * len(self.magic)
        # The kernel masks only the program's bytes' difference: bits outside the mask do not count on either side.
        return len(window) == len(self.magic) and not any((p ^ m) & k for p, m, k in zip(window, self.magic, mask))


def handler(newest_first: Iterable[Entry], program: bytes) -> Entry | None:
    """The entry that the kernel would use for this program: of several that match, the one registered last."""
    return next((entry for entry in newest_first if entry.matches(program)), None)


def parse_kernel_text(name: str, text: str, registered_ns: int = 0) -> Entry:
    """An entry from the text of its file in binfmt_misc. Lines that newer kernels add are passed over."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        fields[key.rstrip(":")] = value.strip()
    return Entry(
        name=name,
        interpreter=fields.get("interpreter", ""),
        magic=bytes.fromhex(fields.get("magic", "")),
        mask=bytes.fromhex(fields.get("mask", "")),
        offset=int(fields.get("offset", "0")),
        extension=fields.get("extension", "").lstrip("."),
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
    delimiter = next((mark for mark in ":|!,;" if mark not in taken), None)
    if delimiter is None:
        raise CrossbuildError(
            f"The entry {entry.name!r} cannot be written: name, interpreter and extension use up every delimiter (: | ! , ;)."
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
    text = line.decode("utf-8", "surrogateescape").rstrip("\n")
    fields = text[1:].split(text[0]) if text else []
    if len(fields) not in (6, 7) or fields[1] not in ("M", "E"):
        raise CrossbuildError(f"Not a binfmt_misc line: {text!r}; expected :name:type:offset:magic:mask:interpreter:flags.")
    name, kind, offset, magic, mask, interpreter = fields[:6]
    entry = Entry(name, interpreter, flags=normalise_flags(fields[6] if len(fields) == 7 else ""))
    if kind == "E":
        return replace(entry, extension=magic)
    return replace(entry, offset=int(offset or 0), magic=_unescape(magic), mask=_unescape(mask))


def _require_expressible(entry: Entry) -> None:
    interpreter = entry.interpreter.encode("utf-8", "surrogateescape")
    problem = None
    if entry.name in _RESERVED_NAMES or "/" in entry.name:
        problem = "its name must be a plain file name other than 'register' and 'status'"
    elif _has_control(entry.name + entry.interpreter + entry.extension):
        problem = "name, interpreter and extension must not contain control characters"
    elif not entry.interpreter.startswith("/") or len(interpreter) > INTERPRETER_MAX:
        problem = f"its interpreter must be an absolute path of at most {INTERPRETER_MAX} bytes"
    elif bool(entry.magic) == bool(entry.extension):
        problem = "it needs a magic or an extension, and not both"
    elif "/" in entry.extension:
        problem = "its extension must not contain a slash"
    elif entry.mask and len(entry.mask) != len(entry.magic):
        problem = f"its mask has {len(entry.mask)} bytes and its magic {len(entry.magic)}"
    elif entry.offset < 0 or entry.offset + len(entry.magic) > MAGIC_END_MAX:
        problem = f"its magic must end within the first {MAGIC_END_MAX} bytes of a program"
    elif not re.fullmatch("[A-Z]*", entry.flags):
        problem = "its flags must be capital letters"
    if problem:
        raise CrossbuildError(f"The entry {entry.name!r} (interpreter {entry.interpreter!r}) cannot be registered: {problem}.")


def _has_control(text: str) -> bool:
    return any(ord(char) < 32 or ord(char) == 127 for char in text)


def _escape(data: bytes) -> str:
    # Every byte escaped: no byte of a magic can then be the delimiter, a backslash or a newline.
    return "".join(f"\\x{byte:02x}" for byte in data)


def _unescape(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    return re.sub(rb"\\x([0-9a-fA-F]{1,2})", lambda hit: bytes([int(hit.group(1), 16)]), raw)
