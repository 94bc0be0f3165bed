# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils import _elf
from ansible_collections.trusted.crossbuild.plugins.module_utils._elf_prologue import attach, find, is_attached
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

EXEC, DYN = 2, 3
PT_DYNAMIC, PT_INTERP, PT_NOTE = 2, 3, 4
R, RX, RW, RWX = 4, 5, 6, 7
DIGEST = bytes(range(32))
HEADER = 64


def elf(
    segments: list[_elf.Segment], entry: int, content: bytes = b"", kind: int = DYN, machine: int = 62, bits: int = 64
) -> bytes:
    """A file of headers and some content."""
    row, size, word = ("<IIQQQQQQ", 56, "Q") if bits == 64 else ("<IIIIIIII", 32, "I")
    header = b"\x7fELF" + bytes([bits // 32, 1, 1]).ljust(12, b"\0")
    header += struct.pack("<HHI" + 3 * word, kind, machine, 1, entry, 64 if bits == 64 else 52, 0)
    header += struct.pack("<IHHHHHH", 0, 64 if bits == 64 else 52, size, len(segments), 64, 0, 0)
    return header + b"".join(struct.pack(row, *segment) for segment in segments) + content


def load(flags: int, offset: int, address: int, size: int, memory: int | None = None) -> _elf.Segment:
    return _elf.Segment(_elf.PT_LOAD, flags, offset, address, address, size, memory or size, 4096)


def other(kind: int, offset: int = 0, size: int = 0) -> _elf.Segment:
    return _elf.Segment(kind, R, offset, offset, offset, size, size, 8)


def prologue(flags: int = RX, offset: int = 0, memory: int = 0, magic: bytes = b"crossbuild disp1") -> bytes:
    """What a compiler makes: code, and at the entry point a jump, magic, room for the digest, the other jump."""
    base = 0x400000
    code = b"\xcc" * 40 + b"\xeb\x40".ljust(16, b"\xcc") + magic + bytes(32) + b"\xe9\0\0\0\0" + b"the code"
    size = HEADER + 56 + len(code)
    return elf([load(flags, offset, base, size, memory)], base + HEADER + 56 + 40, code + b"symbols", EXEC)


@dataclass(frozen=True)
class Program:
    """An emulator as linkers may make it: ``loaded`` segments at ``base``, the last one with memory that is not in the file."""

    data: bytes
    base: int
    segments: list[_elf.Segment]
    entry: int


@st.composite
def programs(draw: st.DrawFn) -> Program:
    fixed = draw(st.booleans())
    base = draw(st.sampled_from([0x10000, 0x400000, 0x60000000])) if fixed else 0
    sizes = draw(st.lists(st.integers(1, 3 * 4096), min_size=1, max_size=4))
    described = draw(st.booleans())
    others = [other(kind) for kind in draw(st.lists(st.sampled_from([PT_NOTE, PT_DYNAMIC, 7]), max_size=3))]
    count = len(sizes) + len(others) + described
    table = HEADER + 56 * count
    loaded, offset = [], 0
    for number, size in enumerate(sizes):
        size += table if number == 0 else 0
        # A writable one begins in the page of the file where the one before ended, and in the next page of memory.
        shift = 4096 if number and draw(st.booleans()) else 0
        address = loaded[-1].address - loaded[-1].offset + shift if loaded else base
        loaded.append(load((RX, R, RW, RW)[number], offset, address + offset, size))
        offset += size + draw(st.integers(0, 4096))
    loaded[-1] = loaded[-1]._replace(memory_size=loaded[-1].size + draw(st.integers(0, 9 * 4096)))
    segments = ([other(_elf.PT_PHDR, HEADER, 56 * count)] if described else []) + loaded + others
    end = loaded[-1].offset + loaded[-1].size + draw(st.integers(0, 9000))  # sections, as those of debuggers
    entry = draw(st.integers(base + 1, base + loaded[0].size - 1))
    size = end - table
    content = draw(st.randoms(use_true_random=False)).getrandbits(8 * size).to_bytes(size, "little")
    return Program(elf(segments, entry, content, EXEC if fixed else DYN), base, segments, entry)


@given(programs())
def test_a_program_with_a_prologue_is_the_same_program(program: Program) -> None:
    made = attach("qemu", program.data, prologue(), DIGEST)
    segments = _elf.segments(io.BytesIO(made))
    added = [one for one in segments if one not in program.segments and one.type == _elf.PT_LOAD]
    assert len(added) == 1
    new = added[0]
    # Header apart, the file is what it was, and the new segment is behind all of it in the file and in memory.
    assert made[HEADER : len(program.data)] == program.data[HEADER:]
    assert not made[len(program.data) : new.offset].strip(b"\0")
    loaded = [one for one in segments if one.type == _elf.PT_LOAD]
    assert loaded == sorted(loaded, key=lambda one: one.address) and loaded[-1] is new
    assert loaded[-2].address + loaded[-2].memory_size <= new.address
    assert (new.flags, new.size, new.offset + new.size) == (RX, new.memory_size, len(made))
    assert new.address % 4096 == new.offset % 4096 == 0
    # The order and all others stay, but for the description of the table, which is where the header says.
    table = (new.offset, new.address, new.address, 56 * len(segments), 56 * len(segments))
    without = [one for one in segments if one is not new]
    assert [one for one in without if one.type != _elf.PT_PHDR] == [
        one for one in program.segments if one.type != _elf.PT_PHDR
    ]
    assert [one.type for one in without] == [one.type for one in program.segments]
    assert [one[2:7] for one in segments if one.type == _elf.PT_PHDR] in ([], [table])
    entry, offset = struct.unpack_from("<QQ", made, 24)
    # Kernels before 5.18 compute AT_PHDR so.
    assert (offset, program.base + offset) == (new.offset, new.address)
    # What runs: our code, which jumps to the program's own entry point.
    at = new.offset + entry - new.address
    assert made[at : at + 2] == b"\xeb\x40"
    assert made[at + 16 : at + 65] == b"crossbuild disp1" + DIGEST + b"\xe9"
    assert entry + 69 + struct.unpack_from("<i", made, at + 65)[0] == program.entry
    assert made.endswith(b"the code")
    assert _elf.describe(io.BytesIO(made)) == _elf.describe(io.BytesIO(program.data))


@given(programs(), st.data())
def test_a_file_is_known_to_be_made_of_another(program: Program, data: st.DataObject) -> None:
    made = attach("qemu", program.data, prologue(), DIGEST)
    found = find(made)
    assert found is not None
    assert found.digest == DIGEST
    assert attach("qemu", program.data, found.code, DIGEST) == made
    assert is_attached(made, program.data, DIGEST)
    assert not is_attached(made, program.data, bytes(32))
    assert find(program.data) is None
    assert not is_attached(program.data, program.data, DIGEST)
    # Whatever differs or is missing, but in the code, which is taken from the file itself.
    at = data.draw(st.integers(0, len(program.data) - 1))
    assert not is_attached(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :], program.data, DIGEST)
    assert not is_attached(made[:at], program.data, DIGEST)
    assert not is_attached(made + b"x", program.data, DIGEST)
    position = data.draw(st.integers(HEADER + 56 * len(program.segments), len(program.data)))
    longer = program.data[:position] + b"x" + program.data[position:]
    assert not is_attached(made, longer, DIGEST)


@given(st.binary(max_size=300), st.integers(0, 200), programs())
def test_of_anything_it_is_told_whether_it_has_a_prologue(rest: bytes, at: int, program: Program) -> None:
    made = attach("qemu", program.data, prologue(), DIGEST)
    for data in (rest, made[:at] + rest, program.data[:at] + rest, made[:at] + rest + made[at + len(rest) :]):
        find(data)
        try:
            attach("qemu", data, prologue(), DIGEST)
        except CrossbuildError as error:
            assert str(error).endswith(".")


LOADED = [load(RX, 0, 0, 120)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"#!/bin/sh\n", "qemu-x is not a usable program: it is no ELF file"),
        (elf(LOADED, 100)[:70], "qemu-x is damaged: its program headers reach to"),
        (elf(LOADED, 100, machine=183), "qemu-x is made for arm64: .* Build without"),
        (elf([load(RX, 0, 0, 84)], 80, machine=62, bits=32), "made for ELF machine 62, 32 bits"),
        (elf([other(PT_INTERP), *LOADED], 100, bytes(56)), "dynamically linked: .* Install a static one"),
        (elf([other(PT_NOTE)], 100), "segments as no linker makes them"),
        (elf(LOADED, 0), "segments as no linker makes them"),
        (elf(LOADED, 1 << 40), "segments as no linker makes them: the entry point is 1099511627776 bytes"),
        (elf([load(RX, 0, 0, 120, 1 << 31)], 100), "the end of the last one 2147483648 bytes"),
        (elf([load(RX, 64, 0, 56)], 10), "segments as no linker makes them"),
    ],
)
def test_what_is_refused_and_why(data: bytes, message: str) -> None:
    with pytest.raises(CrossbuildError, match=message):
        attach("qemu-x", data, prologue(), DIGEST)


def test_one_that_is_not_begun_with_is_none() -> None:
    made = bytearray(attach("qemu", elf(LOADED, 100), prologue(), DIGEST))
    assert find(bytes(made)) is not None
    struct.pack_into("<Q", made, 24, 100)
    assert find(bytes(made)) is None


def test_there_is_one_prologue() -> None:
    once = attach("qemu", elf(LOADED, 100), prologue(), DIGEST)
    with pytest.raises(CrossbuildError, match="qemu-x has a dispatcher already: give the emulator"):
        attach("qemu-x", once, prologue(), DIGEST)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"", r"flags \[\], where one of code and constants"),
        (prologue(flags=RW), r"flags \[6\]"),
        (prologue(flags=RWX), r"flags \[7\]"),
        (prologue(memory=9999), "no variables"),
        (prologue(offset=64), "no variables"),
        (elf([load(RX, 0, 0, 64), load(RW, 0, 4096, 64)], 8), r"flags \[5, 6\]"),
        (prologue(magic=b"crossbuild disp2"), "compiled to something else"),
        (elf([load(RX, 0, 4096, 120)], 8), "compiled to something else"),
        (elf([load(RX, 0, 0, 150)], 108, b"\xcc" * 4 + b"crossbuild disp1" + bytes(10)), "compiled to something else"),
    ],
)
def test_a_prologue_is_one_segment_of_code(code: bytes, message: str) -> None:
    with pytest.raises(CrossbuildError, match=message):
        attach("qemu", elf(LOADED, 100), code, DIGEST)
