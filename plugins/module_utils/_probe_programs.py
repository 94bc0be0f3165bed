# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smallest program of every architecture, as bytes: what a host is asked to run when it is asked what it can run."""

from __future__ import annotations

import struct

from . import _elf
from ._platform import Architecture

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


def probe_program(arch: Architecture) -> bytes:
    """A complete static program for Linux on ``arch``, of less than 250 bytes.

    It writes the first five bytes of its argv[0] to standard output, and exits with the low eight bits of
    ``getuid() ^ geteuid()``: 0, unless a set-user-ID bit took effect.
    """
    return program(arch, PROBE_CODE[arch.qemu])


def program(arch: Architecture, code: bytes) -> bytes:
    """A complete static program of one segment, which begins with the first byte of ``code``."""
    order = ">" if arch.big_endian else "<"
    start = _elf.HEADER_SIZE[arch.bits] + 2 * _elf.SEGMENT_SIZE[arch.bits]
    header = struct.pack(
        order + _elf.FILE_HEADER[arch.bits],
        _elf.MAGIC,
        arch.bits // 32,
        2 if arch.big_endian else 1,
        1,
        0,
        0,
        _elf.ET_EXEC,
        arch.elf_machine,
        1,
        _PROBE_ADDRESS + start,
        _elf.HEADER_SIZE[arch.bits],
        0,
        _PROBE_FLAGS.get(arch.qemu, 0),
        _elf.HEADER_SIZE[arch.bits],
        _elf.SEGMENT_SIZE[arch.bits],
        2,
        0,
        0,
        0,
    )
    whole = start + len(code)
    # Without _elf.PT_GNU_STACK the kernel makes the stack executable, which SELinux may refuse.
    segments = _segment_header(arch, _elf.PT_LOAD, _elf.PF_R | _elf.PF_X, _PROBE_ADDRESS, whole) + _segment_header(
        arch, _elf.PT_GNU_STACK, _elf.PF_R | _elf.PF_W, 0, 0
    )
    return header + segments + code


def _segment_header(arch: Architecture, kind: int, flags: int, address: int, size: int) -> bytes:
    layout = (">" if arch.big_endian else "<") + _elf.SEGMENT_HEADER[arch.bits]
    if arch.bits == 64:
        return struct.pack(layout, kind, flags, 0, address, address, size, size, _PROBE_ALIGNMENT)
    return struct.pack(layout, kind, 0, address, address, size, size, flags, _PROBE_ALIGNMENT)
