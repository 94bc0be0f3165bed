# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A static x86_64 program that runs some code of ours before its own: the dispatcher in QEMU's file.

The program stays as it is, but for its ELF header. Behind it come one more segment, to be read and executed, and in it::

    the program headers, and one more: there is no room for another one where they were
    the prologue, a small ELF file itself, with a digest that names it and a jump to the program's own entry point

The file offset of that segment is its address without the program's own base: kernels before 5.18 tell a program where
its program headers are (``AT_PHDR``) by the base and ``e_phoff`` alone. No section describes it, so that strip and objcopy
lose it.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from . import _elf
from ._errors import CrossbuildError

_DIGEST_SIZE = 32  # bytes, as of SHA-256
_MAGIC = b"crossbuild disp1"
# From a prologue's entry point on, see roles/accelerator/files/dispatcher.c: magic, digest, and a jump (opcode, distance).
_MAGIC_AT = 16
_CONFIG = struct.Struct(f"<{len(_MAGIC)}s{_DIGEST_SIZE}sBi")
_JUMP = 0xE9
_EM_X86_64 = 62
# In an ELF header: e_entry and e_phoff, which follow each other, and e_phnum.
_START_AT, _START = 24, struct.Struct("<QQ")
_COUNT_AT, _COUNT = 56, struct.Struct("<H")
_PAGE = 4096
_CACHE_LINE = 64
# What a jump reaches, and more than any emulator has.
_LARGEST = 1 << 30


@dataclass(frozen=True)
class Prologue:
    """What ``find`` has found in a program: ``digest`` is what ``attach`` was given, ``code`` can be attached again."""

    digest: bytes
    code: bytes


@dataclass(frozen=True)
class _Code:
    """The one segment of a compiled prologue, and where in it the entry point is."""

    content: bytes
    entry: int

    @property
    def config(self) -> int:
        return self.entry + _MAGIC_AT


def attach(name: str, program: bytes, prologue: bytes, digest: bytes) -> bytes:
    """The file of ``program`` that begins with ``prologue``, an ELF file of one segment, and then runs as before.

    ``digest`` (32 bytes) says which prologue it is, and is found again by ``find``. Raises CrossbuildError, with ``name``
    for the program, where that is damaged or not static, is not for x86_64 (64-bit; x32 neither), or has a prologue; and
    where the prologue is not what the compiler was to make.
    """
    code = _code(prologue)
    require_usable(name, program)
    segments = _elf.segments(io.BytesIO(program))
    loaded = [segment for segment in segments if segment.type == _elf.PT_LOAD]
    base = loaded[0].address - loaded[0].offset
    end = max(len(program), *(segment.address + segment.memory_size - base for segment in loaded))
    offset = _aligned(end, _PAGE)
    size = (len(segments) + 1) * _elf.SEGMENT_SIZE[64]
    start = _aligned(size, _CACHE_LINE)
    address = base + offset

    length = start + len(code.content)
    # Those to be loaded must ascend, and this one is above all others.
    segments.append(_elf.Segment(_elf.PT_LOAD, _elf.PF_R | _elf.PF_X, offset, address, address, length, length, _PAGE))
    table = b"".join(
        struct.pack("<" + _elf.SEGMENT_HEADER[64], *_placed(segment, offset, address, size)) for segment in segments
    )
    entry, _offset = _START.unpack_from(program, _START_AT)
    content = bytearray(code.content)
    behind_the_jump = address + start + code.config + _CONFIG.size
    _CONFIG.pack_into(content, code.config, _MAGIC, digest, _JUMP, entry - behind_the_jump)

    header = bytearray(program[: _elf.HEADER_SIZE[64]])
    _START.pack_into(header, _START_AT, address + start + code.entry, offset)
    _COUNT.pack_into(header, _COUNT_AT, len(segments))
    rest = memoryview(program)[len(header) :]
    return b"".join([header, rest, bytes(offset - len(program)), table.ljust(start, b"\0"), content])


def find(program: bytes) -> Prologue | None:
    """The prologue that a program begins with; None where it has none, or is no program at all."""
    segments = _elf.segments(io.BytesIO(program))
    start = _aligned(len(segments) * _elf.SEGMENT_SIZE[64], _CACHE_LINE)
    for segment in segments:
        content = program[segment.offset + start : segment.offset + segment.size]
        try:
            code = _code(content)
        except CrossbuildError:
            continue
        if _entry(program) == segment.address + start + code.entry:
            _magic, digest, _opcode, _distance = _CONFIG.unpack_from(content, code.config)
            return Prologue(digest, content)
    return None


def is_attached(program: bytes, original: bytes, digest: bytes) -> bool:
    """Whether ``program`` is ``original`` with the prologue of that digest, to the byte; the code itself is believed."""
    found = find(program)
    return found is not None and attach("the original", original, found.code, digest) == program


def require_usable(name: str, program: bytes) -> None:
    """Raises CrossbuildError, as ``attach`` does, where a program cannot be given a prologue."""
    file = io.BytesIO(program)
    file.name = name
    found = _elf.describe(file)
    header = found.header
    if (header.bits, header.big_endian, header.machine) != (64, False, _EM_X86_64):
        architecture = _elf.architecture(header)
        made_for = architecture.docker if architecture else f"ELF machine {header.machine}, {header.bits} bits"
        raise CrossbuildError(
            f"{name} is made for {made_for}: the dispatcher exists for x86_64 (amd64) only. Build without acceleration here."
        )
    if found.linkage is _elf.Linkage.DYNAMIC:
        raise CrossbuildError(
            f"{name} is dynamically linked: its loader begins, and not the program. Install a static one, as it is needed in"
            " containers anyway (on Debian 12 the package qemu-user-static, not qemu-user)."
        )
    if find(program):
        raise CrossbuildError(f"{name} has a dispatcher already: give the emulator as its package installed it.")
    loaded = [segment for segment in _elf.segments(file) if segment.type == _elf.PT_LOAD]
    base = loaded[0].address - loaded[0].offset if loaded else 0
    entry = _entry(program) - base
    end = max((segment.address + segment.memory_size - base for segment in loaded), default=0)
    if base < 0 or not 0 < entry < end < _LARGEST or len(program) > _LARGEST:
        raise CrossbuildError(
            f"{name} has segments as no linker makes them: the entry point is {entry} bytes behind the beginning of its first"
            f" segment, the end of the last one {end} bytes, where both should be less than {_LARGEST}. Install it again."
        )


def _code(prologue: bytes) -> _Code:
    """Raises CrossbuildError where a prologue would need more than to be mapped and jumped to."""
    loaded = [one for one in _elf.segments(io.BytesIO(prologue)) if one.type == _elf.PT_LOAD]
    flags = [one.flags for one in loaded]
    if flags != [_elf.PF_R | _elf.PF_X] or loaded[0].offset or loaded[0].size != loaded[0].memory_size:
        raise CrossbuildError(
            f"The dispatcher was compiled to segments with the flags {flags}, where one of code and constants was expected"
            f" ({_elf.PF_R | _elf.PF_X}): no variables, no relocations. Compile it with gcc, as the collection does."
        )
    code = _Code(prologue[: loaded[0].size], _entry(prologue) - loaded[0].address)
    config = code.content[code.config : code.config + _CONFIG.size]
    if len(config) < _CONFIG.size or not config.startswith(_MAGIC):
        raise CrossbuildError(
            f"The dispatcher was compiled to something else: {_MAGIC_AT} bytes behind its entry point there is no"
            f" {_MAGIC.decode()!r}. Take dispatcher.c as it came with the collection."
        )
    return code


def _entry(program: bytes) -> int:
    entry: int = _START.unpack_from(program, _START_AT)[0]
    return entry


def _placed(segment: _elf.Segment, offset: int, address: int, size: int) -> _elf.Segment:
    """A program header as it is in the new table, which is itself described by one of them in some programs."""
    if segment.type != _elf.PT_PHDR:
        return segment
    return segment._replace(offset=offset, address=address, physical_address=address, size=size, memory_size=size)


def _aligned(value: int, step: int) -> int:
    return -(-value // step) * step
