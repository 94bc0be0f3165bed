# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ELF files: what a header says, how a program is linked, and what the kernel matches.

The format: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

from __future__ import annotations

import enum
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Iterator, NamedTuple

from ._architectures import ARCHITECTURES, Architecture
from ._errors import CrossbuildError

MAGIC = b"\x7fELF"
_BITS = {1: 32, 2: 64}
_BYTE_ORDERS = {1: "<", 2: ">"}
ET_EXEC, ET_DYN = 2, 3
PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE, PT_PHDR, PT_GNU_STACK = 1, 2, 3, 4, 6, 0x6474E551
PF_X, PF_W, PF_R = 1, 2, 4
_DT_NEEDED, _DT_STRTAB = 1, 5
_NT_GNU_BUILD_ID = 3
# Longer than any path (PATH_MAX) and than the notes of any toolchain: what says to be longer is damaged.
_READ_MAX = 65536

# Ident (magic, class, data, version, osabi, abiversion, padding), then e_type ... e_shstrndx.
FILE_HEADER = {32: "4sBBBBB7xHHIIIIIHHHHHH", 64: "4sBBBBB7xHHIQQQIHHHHHH"}
SEGMENT_HEADER = {32: "IIIIIIII", 64: "IIQQQQQQ"}
HEADER_SIZE = {32: 52, 64: 64}
SEGMENT_SIZE = {32: 32, 64: 56}
_SECTION_HEADER = {32: "IIIIIIIIII", 64: "IIQQQQIIQQ"}
_SECTION_SIZE = {32: 40, 64: 64}


@dataclass(frozen=True)
class ElfHeader:
    """The fields of an ELF header that tell for whom a file is made.

    ``bits`` is 32 or 64; ``osabi``, ``type``, ``machine`` and ``flags`` are the numbers of ``EI_OSABI``, ``e_type``,
    ``e_machine`` and ``e_flags``.
    """

    bits: int
    big_endian: bool
    osabi: int
    type: int
    machine: int
    flags: int


class Linkage(str, enum.Enum):
    """How a program finds its code: only the two static kinds run where their own file is all there is."""

    STATIC = "static"
    STATIC_PIE = "static-pie"
    DYNAMIC = "dynamic"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class ElfFile:
    """A program: whom it is made for, and how it is linked."""

    header: ElfHeader
    linkage: Linkage


class _Table(NamedTuple):
    offset: int
    entry_size: int
    entries: int


class _Start(NamedTuple):
    """What the first 52 or 64 bytes of a file say."""

    header: ElfHeader
    segments: _Table
    sections: _Table


class Segment(NamedTuple):
    """A program header: its fields in the order of 64-bit files, whatever the file's own."""

    type: int
    flags: int
    offset: int
    address: int
    physical_address: int
    size: int
    memory_size: int
    alignment: int


def _parse(data: bytes) -> _Start | None:
    if len(data) < 16 or data[:4] != MAGIC or data[4] not in _BITS or data[5] not in _BYTE_ORDERS:
        return None
    bits = _BITS[data[4]]
    if len(data) < HEADER_SIZE[bits]:
        return None
    (
        _magic,
        _class,
        order,
        _version,
        osabi,
        _abiversion,
        kind,
        machine,
        _format,
        _entry,
        table,
        sections,
        flags,
        _size,
        entry_size,
        count,
        section_size,
        section_count,
        _names,
    ) = struct.unpack_from(_BYTE_ORDERS[data[5]] + FILE_HEADER[bits], data)
    return _Start(
        ElfHeader(bits, order == 2, osabi, kind, machine, flags),
        _Table(table, entry_size, count),
        _Table(sections, section_size, section_count),
    )


def parse_header(data: bytes) -> ElfHeader | None:
    """The header at the start of ``data``; None where that is no ELF file, or less than its 52 or 64 bytes."""
    parsed = _parse(data)
    return parsed.header if parsed else None


def architecture(header: ElfHeader) -> Architecture | None:
    """The architecture a file is made for; None for one that is not in the table.

    Word size counts as much as the machine: x32 (64-bit machine, 32-bit file) and the n32 ABI of MIPS (told from
    o32 by a flag only) are platforms of their own, which Docker has no name for.
    """
    for arch in ARCHITECTURES:
        same = (arch.bits, arch.big_endian, arch.elf_machine) == (header.bits, header.big_endian, header.machine)
        if same and not (arch.elf_flags ^ header.flags) & arch.deciding_flags:
            return arch
    return None


def describe(file: str | os.PathLike[str] | BinaryIO) -> ElfFile:
    """Header and linkage of a program, given by its path or as a seekable binary file.

    Raises CrossbuildError where it cannot be read, is no ELF program, or is damaged, as one cut short by an
    interrupted copy.
    """
    if not isinstance(file, (str, os.PathLike)):
        return _describe(file, getattr(file, "name", "the file"))
    try:
        with open(file, "rb") as opened:
            return _describe(opened, os.fspath(file))
    except OSError as error:
        raise CrossbuildError(f"Cannot read {os.fspath(file)}: {error.strerror}.") from error


def read_linkage(file: str | os.PathLike[str] | BinaryIO) -> Linkage:
    """Whether a program is static, static-pie or dynamic; raises as ``describe`` does."""
    return describe(file).linkage


def segments(file: BinaryIO) -> list[Segment]:
    """The program headers that are really there; none of a file that is no ELF file."""
    start = _parse(_read(file, 0, 64))
    return list(_segments(start.header, _rows(file, start.segments, SEGMENT_SIZE[start.header.bits]))) if start else []


def interpreter(file: BinaryIO) -> str:
    """The loader that a dynamic program names (``PT_INTERP``); empty where it names none, or is damaged."""
    for _header, segment in _segments_of(file, _PT_INTERP):
        return _read(file, segment.offset, segment.size).split(b"\0")[0].decode("utf-8", "surrogateescape")
    return ""


def section(file: BinaryIO, kind: int) -> bytes:
    """The first section of a type (``sh_type``); empty where there is none, as in a file without section headers."""
    start = _parse(_read(file, 0, 64))
    if start:
        layout = (">" if start.header.big_endian else "<") + _SECTION_HEADER[start.header.bits]
        rows = _rows(file, start.sections, _SECTION_SIZE[start.header.bits])
        for _name, found, _flags, _address, offset, size, *_rest in struct.iter_unpack(layout, rows):
            if found == kind:
                return _read(file, offset, size)
    return b""


def build_id(file: BinaryIO) -> str:
    """The build id, in hex, by which a linker made this very file known; empty where there is none.

    The notes that hold it: https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html#note_section
    """
    for header, segment in _segments_of(file, _PT_NOTE):
        notes, order = _read(file, segment.offset, segment.size), ">" if header.big_endian else "<"
        while len(notes) >= 12:
            name_size, size, kind = struct.unpack_from(order + "III", notes)
            content = 12 + (name_size + 3) // 4 * 4
            if kind == _NT_GNU_BUILD_ID and notes[12 : 12 + name_size] == b"GNU\0":
                return notes[content : content + size].hex()
            notes = notes[content + (size + 3) // 4 * 4 :]
    return ""


def needed(file: BinaryIO) -> list[str]:
    """The libraries that a program or library names to be loaded with it (``DT_NEEDED``)."""
    for header, segment in _segments_of(file, _PT_DYNAMIC):
        layout = (">" if header.big_endian else "<") + ("qQ" if header.bits == 64 else "iI")
        dynamic = _read(file, segment.offset, segment.size)
        entries = list(
            struct.iter_unpack(layout, dynamic[: len(dynamic) // struct.calcsize(layout) * struct.calcsize(layout)])
        )
        table = next((value for tag, value in entries if tag == _DT_STRTAB), 0)
        for _header, load in _segments_of(file, PT_LOAD):
            if load.address <= table < load.address + load.size:
                names = [load.offset + table - load.address + value for tag, value in entries if tag == _DT_NEEDED]
                return [_read(file, name, 256).split(b"\0")[0].decode("utf-8", "surrogateescape") for name in names]
    return []


def _segments_of(file: BinaryIO, kind: int) -> Iterator[tuple[ElfHeader, Segment]]:
    start = _parse(_read(file, 0, 64))
    if start:
        for segment in _segments(start.header, _rows(file, start.segments, SEGMENT_SIZE[start.header.bits])):
            if segment.type == kind:
                yield start.header, segment


def _rows(file: BinaryIO, table: _Table, size: int) -> bytes:
    """The rows of a table that are really there; none where they are not as long as they must be."""
    data = _read(file, table.offset, size * table.entries) if table.entry_size == size else b""
    return data[: len(data) // size * size]


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(0, os.SEEK_END)
    if offset >= file.tell():
        return b""
    file.seek(offset)
    return file.read(min(size, _READ_MAX))


def _describe(file: BinaryIO, name: object) -> ElfFile:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(64)
    parsed = _parse(start)
    if parsed is None:
        what = f"its ELF header is cut short: it has only {size} bytes" if start[:4] == MAGIC else "it is no ELF file"
        raise CrossbuildError(f"{name} is not a usable program: {what}.")
    header, table, _sections = parsed
    if header.type not in (ET_EXEC, ET_DYN):
        raise CrossbuildError(
            f"{name} is not a program: its ELF type is {header.type}, where {ET_EXEC} (executable) or "
            f"{ET_DYN} (position-independent) was expected."
        )
    problem = _table_problem(header, table, size)
    if problem:
        raise CrossbuildError(f"{name} is damaged: {problem}. Install it again.")
    file.seek(table.offset)
    found = list(_segments(header, file.read(table.entry_size * table.entries)))
    end = max((segment.offset + segment.size for segment in found if segment.type == PT_LOAD), default=0)
    if end > size:
        raise CrossbuildError(
            f"{name} is damaged: its segments reach to byte {end}, but it ends at byte {size}. Install it again."
        )
    return ElfFile(header, _linkage(header, found))


def _table_problem(header: ElfHeader, table: _Table, size: int) -> str | None:
    if table.entries == 0:
        return "it has no program headers"
    if table.entry_size != SEGMENT_SIZE[header.bits]:
        return f"its program headers are {table.entry_size} bytes long instead of {SEGMENT_SIZE[header.bits]}"
    end = table.offset + table.entries * table.entry_size
    if end > size:
        return f"its program headers reach to byte {end}, but it ends at byte {size}"
    return None


def _segments(header: ElfHeader, table: bytes) -> Iterator[Segment]:
    layout = (">" if header.big_endian else "<") + SEGMENT_HEADER[header.bits]
    for fields in struct.iter_unpack(layout, table):
        # 64-bit files have p_flags in second place, 32-bit ones near the end.
        yield Segment(*(fields if header.bits == 64 else (fields[0], fields[6], *fields[1:6], fields[7])))


def _linkage(header: ElfHeader, segments: list[Segment]) -> Linkage:
    types = {segment.type for segment in segments}
    if _PT_INTERP in types:
        return Linkage.DYNAMIC
    # A shared library looks the same as a static-pie program here; nobody names one as a program.
    return Linkage.STATIC_PIE if header.type == ET_DYN and _PT_DYNAMIC in types else Linkage.STATIC


def binfmt_magic(arch: Architecture) -> tuple[bytes, bytes]:
    """Magic and mask, of equal length, by which the kernel's binfmt_misc knows programs of ``arch``.

    Both kinds of program match, fixed (``ET_EXEC``) and position-independent (``ET_DYN``); any OS ABI does, except
    for loongarch64, which knows two.
    """
    order = ">" if arch.big_endian else "<"
    ident = MAGIC + bytes([arch.bits // 32, 2 if arch.big_endian else 1, 1])
    magic = ident.ljust(16, b"\0") + struct.pack(order + "HH", ET_EXEC, arch.elf_machine)
    mask = bytearray(b"\xff" * 7 + b"\x00" + b"\xff" * 8 + struct.pack(order + "HH", 0xFFFE, 0xFFFF))
    for offset, byte in arch.mask.items():
        mask[offset] = byte
    if arch.deciding_flags:
        # On to e_flags: e_version, then e_entry, e_phoff and e_shoff, which may be anything, then the flags.
        layout = order + ("I12xI" if arch.bits == 32 else "I24xI")
        magic += struct.pack(layout, 1, arch.elf_flags & arch.deciding_flags)
        mask += struct.pack(layout, 0xFFFFFFFF, arch.deciding_flags)
    return magic, bytes(mask)
