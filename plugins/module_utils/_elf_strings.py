# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of x86_64 that say something else than they were built to."""

from __future__ import annotations

import re
import struct
from typing import Iterator, NamedTuple

from . import _elf
from ._errors import CrossbuildError

_PF_X, _PF_R = 1, 4
_PAGE = 4096
# lea REG, [rip + 32 bits], by which position-independent code names a string; mov REG, 32 bits, by which other code does.
_LEA = re.compile(rb"(?=[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](.{4}))", re.DOTALL)
_MOV = rb"(?<=[\xb8-\xbf])"
_R_X86_64_RELATIVE = 8


class _Load(NamedTuple):
    row: int
    flags: int
    offset: int
    address: int
    size: int


def replace(content: bytes, old: str, new: str) -> bytes:
    """A program or library in which ``old``, wherever it is a string up to its NUL, is ``new``.

    Where that does not fit in, it goes to the unused rest of a page, and what pointed to the old one points there. Raises
    CrossbuildError where that is not possible. A file without the string is returned as it is.
    """
    if len(new) <= len(old):
        return re.sub(rb"(?<=\0)" + re.escape(old.encode()) + rb"(?=\0)", new.encode().ljust(len(old), b"\0"), content)
    image = bytearray(content)
    loads = list(_loads(content))
    addresses = {
        load.address + match.start() - load.offset
        for load in loads
        for match in re.compile(re.escape(old.encode()) + b"\0").finditer(content, load.offset, load.offset + load.size)
    }
    if not addresses:
        return content
    target = _place(image, loads, new.encode() + b"\0")
    if not sum([_redirect(image, loads, address, target) for address in addresses]):
        raise CrossbuildError(f"Nothing in a program points to {old!r}, so that it cannot be made to say {new!r}.")
    return bytes(image)


def _loads(content: bytes) -> Iterator[_Load]:
    table, size, count = struct.unpack_from("<32xQ14xHH", content)
    for row in range(table, table + size * count, size):
        kind, flags, offset, address, _physical, length = struct.unpack_from("<IIQQQQ", content, row)
        if kind == _elf.PT_LOAD:
            yield _Load(row, flags, offset, address, length)


def _place(image: bytearray, loads: list[_Load], text: bytes) -> int:
    """Puts bytes behind a read-only segment, where the file has nothing up to the end of its page; returns their address."""
    for load in loads:
        # As it is in the file now: an earlier string may have made it longer.
        size = int(struct.unpack_from("<Q", image, load.row + 32)[0])
        end = load.offset + size
        room = image[end : -(-end // _PAGE) * _PAGE]
        if load.flags == _PF_R and len(room) >= len(text) and not any(room[: len(text)]):
            image[end : end + len(text)] = text
            struct.pack_into("<QQ", image, load.row + 32, size + len(text), size + len(text))
            return load.address + size
    raise CrossbuildError(f"A program has no room for {text[:-1].decode()!r}.")


def _redirect(image: bytearray, loads: list[_Load], address: int, target: int) -> int:
    """Has everything that points to an address point to another one; how many places did."""
    places: list[tuple[int, str, int]] = []
    for load in loads:
        start, end, content = load.offset, load.offset + load.size, bytes(image)
        if load.flags & _PF_X:
            for match in _LEA.finditer(content, start, end):
                behind = load.address + match.end(1) - load.offset
                if behind + struct.unpack("<i", match.group(1))[0] == address:
                    places.append((match.start(1), "<i", target - behind))
            mov = re.compile(_MOV + re.escape(struct.pack("<I", address)), re.DOTALL)
            places += [(match.start(), "<I", target) for match in mov.finditer(content, start, end)]
        else:
            relocation = re.compile(re.escape(struct.pack("<QQ", _R_X86_64_RELATIVE, address)))
            places += [(match.start() + 8, "<Q", target) for match in relocation.finditer(content, start, end)]
            if load.flags != _PF_R:
                pointer = re.compile(re.escape(struct.pack("<Q", address)))
                places += [
                    (m.start(), "<Q", target) for m in pointer.finditer(content, start, end) if m.start() % 8 == 0
                ]
    for offset, layout, value in places:
        struct.pack_into(layout, image, offset, value)
    return len(places)
