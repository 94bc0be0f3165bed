# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ELF files: what a header says, how a program is linked, what the kernel matches, and the smallest programs.

The format: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
"""

from __future__ import annotations

import enum
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Iterator, NamedTuple

from ._errors import CrossbuildError
from ._platform import ARCHITECTURES, Architecture

_MAGIC = b"\x7fELF"
_BITS = {1: 32, 2: 64}
_BYTE_ORDERS = {1: "<", 2: ">"}
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_GNU_STACK = 1, 2, 3, 0x6474E551
_EM_MIPS = 8
_EF_MIPS_ABI2 = 0x20

# Ident (magic, class, data, version, osabi, abiversion, padding), then e_type ... e_shstrndx.
_FILE_HEADER = {32: "4sBBBBB7xHHIIIIIHHHHHH", 64: "4sBBBBB7xHHIQQQIHHHHHH"}
_SEGMENT_HEADER = {32: "IIIIIIII", 64: "IIQQQQQQ"}
_HEADER_SIZE = {32: 52, 64: 64}
_SEGMENT_SIZE = {32: 32, 64: 56}


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


class _SegmentTable(NamedTuple):
    offset: int
    entry_size: int
    entries: int


class _Segment(NamedTuple):
    type: int
    offset: int
    size: int


def _parse(data: bytes) -> tuple[ElfHeader, _SegmentTable] | None:
    if len(data) < 16 or data[:4] != _MAGIC or data[4] not in _BITS or data[5] not in _BYTE_ORDERS:
        return None
    bits = _BITS[data[4]]
    if len(data) < _HEADER_SIZE[bits]:
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
        _sections,
        flags,
        _size,
        entry_size,
        count,
        *_rest,
    ) = struct.unpack_from(_BYTE_ORDERS[data[5]] + _FILE_HEADER[bits], data)
    return ElfHeader(bits, order == 2, osabi, kind, machine, flags), _SegmentTable(table, entry_size, count)


def parse_header(data: bytes) -> ElfHeader | None:
    """The header at the start of ``data``; None where that is no ELF file, or less than its 52 or 64 bytes."""
    parsed = _parse(data)
    return parsed[0] if parsed else None


def architecture(header: ElfHeader) -> Architecture | None:
    """The architecture a file is made for; None for one that is not in the table.

    Word size counts as much as the machine: x32 (64-bit machine, 32-bit file) and the n32 ABI of MIPS (told from
    o32 by a flag only) are platforms of their own, which Docker has no name for.
    """
    if header.bits == 32 and header.machine == _EM_MIPS and header.flags & _EF_MIPS_ABI2:
        return None
    for arch in ARCHITECTURES:
        if (arch.bits, arch.big_endian, arch.elf_machine) == (header.bits, header.big_endian, header.machine):
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


def _describe(file: BinaryIO, name: object) -> ElfFile:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(64)
    parsed = _parse(start)
    if parsed is None:
        what = f"its ELF header is cut short: it has only {size} bytes" if start[:4] == _MAGIC else "it is no ELF file"
        raise CrossbuildError(f"{name} is not a usable program: {what}.")
    header, table = parsed
    if header.type not in (_ET_EXEC, _ET_DYN):
        raise CrossbuildError(
            f"{name} is not a program: its ELF type is {header.type}, where {_ET_EXEC} (executable) or "
            f"{_ET_DYN} (position-independent) was expected."
        )
    problem = _table_problem(header, table, size)
    if problem:
        raise CrossbuildError(f"{name} is damaged: {problem}. Install it again.")
    file.seek(table.offset)
    segments = list(_segments(header, file.read(table.entry_size * table.entries)))
    end = max((segment.offset + segment.size for segment in segments if segment.type == _PT_LOAD), default=0)
    if end > size:
        raise CrossbuildError(
            f"{name} is damaged: its segments reach to byte {end}, but it ends at byte {size}. Install it again."
        )
    return ElfFile(header, _linkage(header, segments))


def _table_problem(header: ElfHeader, table: _SegmentTable, size: int) -> str | None:
    if table.entries == 0:
        return "it has no program headers"
    if table.entry_size != _SEGMENT_SIZE[header.bits]:
        return f"its program headers are {table.entry_size} bytes long instead of {_SEGMENT_SIZE[header.bits]}"
    end = table.offset + table.entries * table.entry_size
    if end > size:
        return f"its program headers reach to byte {end}, but it ends at byte {size}"
    return None


def _segments(header: ElfHeader, table: bytes) -> Iterator[_Segment]:
    layout = (">" if header.big_endian else "<") + _SEGMENT_HEADER[header.bits]
    for fields in struct.iter_unpack(layout, table):
        # 64-bit files have p_flags in second place, 32-bit ones near the end.
        offset, size = (fields[2], fields[5]) if header.bits == 64 else (fields[1], fields[4])
        yield _Segment(fields[0], offset, size)


def _linkage(header: ElfHeader, segments: list[_Segment]) -> Linkage:
    types = {segment.type for segment in segments}
    if _PT_INTERP in types:
        return Linkage.DYNAMIC
    # A shared library looks the same as a static-pie program here; nobody names one as a program.
    return Linkage.STATIC_PIE if header.type == _ET_DYN and _PT_DYNAMIC in types else Linkage.STATIC


# Where the masks depart from the common one, as offset: byte, keyed by QEMU's name. The values are those of QEMU's
# scripts/qemu-binfmt-conf.sh, so that an entry written by it and one of ours are the same to the byte.
_MASK_BYTES = {
    "ppc64le": {19: 0x00},
    "mips64el": {8: 0x00},
    "mipsel": {8: 0x00},
    "loongarch64": {7: 0xFC, 8: 0x00},
    "i386": {5: 0xFE, 6: 0xFE},
    "x86_64": {5: 0xFE, 6: 0xFE},
}
# On to e_flags, because o32 and n32 programs of MIPS differ in EF_MIPS_ABI2 only: e_version, then e_entry, e_phoff
# and e_shoff, which may be anything, then the flags.
_LONGER = {
    "mipsel": (
        struct.pack("<I12xI", 1, 0),
        struct.pack("<I12xI", 0xFFFFFFFF, _EF_MIPS_ABI2),
    ),
}


def binfmt_magic(arch: Architecture) -> tuple[bytes, bytes]:
    """Magic and mask, of equal length, by which the kernel's binfmt_misc knows programs of ``arch``.

    Both kinds of program match, fixed (``ET_EXEC``) and position-independent (``ET_DYN``); any OS ABI does, except
    for loongarch64, which knows two.
    """
    order = ">" if arch.big_endian else "<"
    ident = _MAGIC + bytes([arch.bits // 32, 2 if arch.big_endian else 1, 1])
    magic = ident.ljust(16, b"\0") + struct.pack(order + "HH", _ET_EXEC, arch.elf_machine)
    mask = bytearray(b"\xff" * 7 + b"\x00" + b"\xff" * 8 + struct.pack(order + "HH", 0xFFFE, 0xFFFF))
    for offset, byte in _MASK_BYTES.get(arch.qemu, {}).items():
        mask[offset] = byte
    magic_rest, mask_rest = _LONGER.get(arch.qemu, (b"", b""))
    return magic + magic_rest, bytes(mask) + mask_rest


def probe_program(arch: Architecture) -> bytes:
    """A complete static program for Linux on ``arch``, of less than 250 bytes.

    It writes the first five bytes of its argv[0] to standard output, and exits with the low eight bits of
    ``getuid() ^ geteuid()``: 0, unless a set-user-ID bit took effect.
    """
    code = PROBE_CODE[arch.qemu]
    order = ">" if arch.big_endian else "<"
    start = _HEADER_SIZE[arch.bits] + 2 * _SEGMENT_SIZE[arch.bits]
    header = struct.pack(
        order + _FILE_HEADER[arch.bits],
        _MAGIC,
        arch.bits // 32,
        2 if arch.big_endian else 1,
        1,
        0,
        0,
        _ET_EXEC,
        arch.elf_machine,
        1,
        _PROBE_ADDRESS + start,
        _HEADER_SIZE[arch.bits],
        0,
        _PROBE_FLAGS.get(arch.qemu, 0),
        _HEADER_SIZE[arch.bits],
        _SEGMENT_SIZE[arch.bits],
        2,
        0,
        0,
        0,
    )
    whole = start + len(code)
    # Without PT_GNU_STACK the kernel makes the stack executable, which SELinux may refuse.
    segments = _segment_header(arch, _PT_LOAD, _PF_R | _PF_X, _PROBE_ADDRESS, whole) + _segment_header(
        arch, _PT_GNU_STACK, _PF_R | _PF_W, 0, 0
    )
    return header + segments + code


def _segment_header(arch: Architecture, kind: int, flags: int, address: int, size: int) -> bytes:
    layout = (">" if arch.big_endian else "<") + _SEGMENT_HEADER[arch.bits]
    if arch.bits == 64:
        return struct.pack(layout, kind, flags, 0, address, address, size, size, _PROBE_ALIGNMENT)
    return struct.pack(layout, kind, 0, address, address, size, size, flags, _PROBE_ALIGNMENT)


_PF_X, _PF_W, _PF_R = 1, 2, 4
# Above every vm.mmap_min_addr, and aligned to the largest page of any of these architectures.
_PROBE_ADDRESS = 0x400000
_PROBE_ALIGNMENT = 0x10000

# e_flags: what the loader must know of the ABI, as Debian's own programs carry it; zero elsewhere.
_PROBE_FLAGS = {
    "arm": 0x05000000,  # EABI 5, neither soft nor hard float
    "riscv64": 0x4,  # double float
    "ppc64le": 2,  # ELFv2: the entry point is code, not a descriptor
    "mips64el": 0x80000007,  # n64, MIPS64 release 2
    "mipsel": 0x70001007,  # o32, MIPS32 release 2
    "loongarch64": 0x43,  # object ABI 1, double float
}

# Machine code in memory order, keyed by QEMU's name: write(1, argv[0], 5), then exit(getuid() ^ geteuid()). The kernel
# starts a program with argc and argv on the stack. Only the oldest instructions: "arm" runs on an ARMv4.
PROBE_CODE = {
    "arm": bytes.fromhex(
        "0100a0e3"  # mov r0, #1
        "04109de5"  # ldr r1, [sp, #4]
        "0520a0e3"  # mov r2, #5
        "0470a0e3"  # mov r7, #4
        "000000ef"  # svc #0
        "c770a0e3"  # mov r7, #199
        "000000ef"  # svc #0
        "0040a0e1"  # mov r4, r0
        "c970a0e3"  # mov r7, #201
        "000000ef"  # svc #0
        "040020e0"  # eor r0, r0, r4
        "0170a0e3"  # mov r7, #1
        "000000ef"  # svc #0
    ),
    "aarch64": bytes.fromhex(
        "200080d2"  # mov x0, #1
        "e10740f9"  # ldr x1, [sp, #8]
        "a20080d2"  # mov x2, #5
        "080880d2"  # mov x8, #64
        "010000d4"  # svc #0
        "c81580d2"  # mov x8, #174
        "010000d4"  # svc #0
        "f30300aa"  # mov x19, x0
        "e81580d2"  # mov x8, #175
        "010000d4"  # svc #0
        "000013ca"  # eor x0, x0, x19
        "a80b80d2"  # mov x8, #93
        "010000d4"  # svc #0
    ),
    "riscv64": bytes.fromhex(
        "13051000"  # li a0, 1
        "83358100"  # ld a1, 8(sp)
        "13065000"  # li a2, 5
        "93080004"  # li a7, 64
        "73000000"  # ecall
        "9308e00a"  # li a7, 174
        "73000000"  # ecall
        "93040500"  # mv s1, a0
        "9308f00a"  # li a7, 175
        "73000000"  # ecall
        "33459500"  # xor a0, a0, s1
        "9308d005"  # li a7, 93
        "73000000"  # ecall
    ),
    "ppc64le": bytes.fromhex(
        "01006038"  # li 3, 1
        "080081e8"  # ld 4, 8(1)
        "0500a038"  # li 5, 5
        "04000038"  # li 0, 4
        "02000044"  # sc
        "18000038"  # li 0, 24
        "02000044"  # sc
        "781b6e7c"  # mr 14, 3
        "31000038"  # li 0, 49
        "02000044"  # sc
        "7872637c"  # xor 3, 3, 14
        "01000038"  # li 0, 1
        "02000044"  # sc
    ),
    "s390x": bytes.fromhex(
        "a7290001"  # lghi %r2, 1
        "e330f0080004"  # lg %r3, 8(%r15)
        "a7490005"  # lghi %r4, 5
        "0a04"  # svc 4
        "0ac7"  # svc 199
        "b9040062"  # lgr %r6, %r2
        "0ac9"  # svc 201
        "b9820026"  # xgr %r2, %r6
        "0a01"  # svc 1
    ),
    "mips64el": bytes.fromhex(
        "0800a5df"  # ld $a1, 8($sp)
        "01000424"  # li $a0, 1
        "05000624"  # li $a2, 5
        "89130224"  # li $v0, 5001
        "0c000000"  # syscall
        "ec130224"  # li $v0, 5100
        "0c000000"  # syscall
        "25804000"  # move $s0, $v0
        "f1130224"  # li $v0, 5105
        "0c000000"  # syscall
        "26205000"  # xor $a0, $v0, $s0
        "c2130224"  # li $v0, 5058
        "0c000000"  # syscall
    ),
    "mipsel": bytes.fromhex(
        "0400a58f"  # lw $a1, 4($sp)
        "01000424"  # li $a0, 1
        "05000624"  # li $a2, 5
        "a40f0224"  # li $v0, 4004
        "0c000000"  # syscall
        "b80f0224"  # li $v0, 4024
        "0c000000"  # syscall
        "25804000"  # move $s0, $v0
        "d10f0224"  # li $v0, 4049
        "0c000000"  # syscall
        "26205000"  # xor $a0, $v0, $s0
        "a10f0224"  # li $v0, 4001
        "0c000000"  # syscall
    ),
    "loongarch64": bytes.fromhex(
        "04048002"  # li.w a0, 1
        "6520c028"  # ld.d a1, sp, 8
        "06148002"  # li.w a2, 5
        "0b008102"  # li.w a7, 64
        "00002b00"  # syscall 0
        "0bb88202"  # li.w a7, 174
        "00002b00"  # syscall 0
        "97001500"  # move s0, a0
        "0bbc8202"  # li.w a7, 175
        "00002b00"  # syscall 0
        "84dc1500"  # xor a0, a0, s0
        "0b748102"  # li.w a7, 93
        "00002b00"  # syscall 0
    ),
    "i386": bytes.fromhex(
        "6a04"  # push $4
        "58"  # pop %eax
        "6a01"  # push $1
        "5b"  # pop %ebx
        "8b4c2404"  # mov 4(%esp), %ecx
        "6a05"  # push $5
        "5a"  # pop %edx
        "cd80"  # int $0x80
        "b8c7000000"  # mov $199, %eax
        "cd80"  # int $0x80
        "93"  # xchg %eax, %ebx
        "b8c9000000"  # mov $201, %eax
        "cd80"  # int $0x80
        "31c3"  # xor %eax, %ebx
        "6a01"  # push $1
        "58"  # pop %eax
        "cd80"  # int $0x80
    ),
    "x86_64": bytes.fromhex(
        "6a01"  # push $1
        "58"  # pop %rax
        "6a01"  # push $1
        "5f"  # pop %rdi
        "488b742408"  # mov 8(%rsp), %rsi
        "6a05"  # push $5
        "5a"  # pop %rdx
        "0f05"  # syscall
        "6a66"  # push $102
        "58"  # pop %rax
        "0f05"  # syscall
        "93"  # xchg %eax, %ebx
        "6a6b"  # push $107
        "58"  # pop %rax
        "0f05"  # syscall
        "31d8"  # xor %ebx, %eax
        "97"  # xchg %eax, %edi
        "6a3c"  # push $60
        "58"  # pop %rax
        "0f05"  # syscall
    ),
}
