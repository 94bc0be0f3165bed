# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smallest program of every architecture, as bytes: what a host is asked to run when it is asked what it can run."""

from __future__ import annotations

import struct

from . import _elf
from ._architectures import Architecture

# Above every vm.mmap_min_addr, and aligned to the largest page of any of these architectures.
_PROBE_ADDRESS = 0x400000
_PROBE_ALIGNMENT = 0x10000


def probe_program(arch: Architecture) -> bytes:
    """A complete static program for Linux on ``arch``, of less than 250 bytes.

    It writes the first five bytes of its argv[0] to standard output, and exits with the low eight bits of
    ``getuid() ^ geteuid()``: 0, unless a set-user-ID bit took effect.
    """
    return program(arch, arch.probe)


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
        arch.elf_flags,
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
