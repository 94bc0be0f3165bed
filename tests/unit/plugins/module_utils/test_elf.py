# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import pathlib
import struct
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._architectures import ARCHITECTURES, Architecture
from ansible_collections.trusted.crossbuild.plugins.module_utils._elf import (
    ElfHeader,
    Linkage,
    architecture,
    binfmt_magic,
    build_id,
    describe,
    needed,
    parse_header,
    read_linkage,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program

# Magic and mask there are as a Linux kernel prints the entries of QEMU's scripts/qemu-binfmt-conf.sh.
REFERENCE = json.loads((pathlib.Path(__file__).parent / "data/architectures.json").read_text())
BY_QEMU_NAME = {arch.qemu: arch for arch in ARCHITECTURES}
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
EXEC, DYN = 2, 3

each_architecture = pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda arch: arch.qemu)
words = st.integers(0, 0xFFFF)
headers = st.builds(
    ElfHeader, st.sampled_from([32, 64]), st.booleans(), st.integers(0, 255), words, words, st.integers(0, 0xFFFFFFFF)
)


def header_bytes(header: ElfHeader, segments: int = 0, segment_size: int | None = None) -> bytes:
    order, address = (">" if header.big_endian else "<"), ("Q" if header.bits == 64 else "I")
    size = 64 if header.bits == 64 else 52
    size_of_segment = (56 if header.bits == 64 else 32) if segment_size is None else segment_size
    return (
        b"\x7fELF"
        + bytes([header.bits // 32, 1 + header.big_endian, 1, header.osabi])
        + bytes(8)
        + struct.pack(order + "HHI" + 3 * address, header.type, header.machine, 1, 0, size if segments else 0, 0)
        + struct.pack(order + "IHHHHHH", header.flags, size, size_of_segment, segments, 0, 0, 0)
    )


def program(kind: int, *segments: tuple[int, int, int]) -> bytes:
    """A 64-bit file whose segments are (type, offset, size)."""
    table = b"".join(struct.pack("<IIQQQQQQ", t, 5, offset, 0, 0, size, size, 1) for t, offset, size in segments)
    return header_bytes(ElfHeader(64, False, 0, kind, 62, 0), len(segments)) + table


def matches(data: bytes, magic: bytes, mask: bytes) -> bool:
    return len(data) >= len(magic) and all((data[at] ^ magic[at]) & mask[at] == 0 for at in range(len(magic)))


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda rest: b"\x7fELF" + rest))
@example(b"\x7fELF")
@example(b"\x7fELF\x01\x01")
@example(b"\x7fELF\x03\x01" + bytes(74))
@example(b"\x7fELF\x01\x03" + bytes(74))
def test_any_bytes_are_a_header_or_none(data: bytes) -> None:
    header = parse_header(data)
    assert header is None or (header.bits in (32, 64) and data.startswith(b"\x7fELF"))


@given(headers)
def test_a_header_is_read_as_it_was_written(header: ElfHeader) -> None:
    data = header_bytes(header)
    assert parse_header(data) == parse_header(data + b"more") == header
    assert parse_header(data[:-1]) is None


@given(st.binary(max_size=400), headers, st.integers(0, 9))
def test_any_damage_is_reported_and_never_another_error(rest: bytes, header: ElfHeader, segments: int) -> None:
    for data in (rest, header_bytes(header, segments) + rest):
        try:
            describe(io.BytesIO(data))
        except CrossbuildError as error:
            assert str(error).endswith(".")


def test_every_architecture_has_a_reference() -> None:
    assert set(BY_QEMU_NAME) == set(REFERENCE)


@pytest.mark.parametrize("name", REFERENCE)
def test_magic_and_mask_are_those_of_qemu(name: str) -> None:
    magic, mask = binfmt_magic(BY_QEMU_NAME[name])
    assert {"magic": magic.hex(), "mask": mask.hex()} == {key: REFERENCE[name][key] for key in ("magic", "mask")}


@each_architecture
def test_a_probe_is_of_its_architecture_and_matches_its_magic_alone(arch: Architecture) -> None:
    data = probe_program(arch)
    header = parse_header(data)
    assert header is not None
    assert architecture(header) is arch
    assert [other.qemu for other in ARCHITECTURES if matches(data, *binfmt_magic(other))] == [arch.qemu]
    found = describe(io.BytesIO(data))
    assert (found.header, found.linkage) == (header, Linkage.STATIC)
    assert len(data) < 250


@each_architecture
def test_a_position_independent_program_matches_too(arch: Architecture) -> None:
    fixed = ElfHeader(arch.bits, arch.big_endian, 0, EXEC, arch.elf_machine, 0)
    for kind, expected in ((1, False), (EXEC, True), (DYN, True), (4, False)):
        data = header_bytes(ElfHeader(**{**vars(fixed), "type": kind}))
        assert matches(data, *binfmt_magic(arch)) is expected


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (ElfHeader(32, False, 0, EXEC, 62, 0), None),  # x32
        (ElfHeader(32, False, 0, EXEC, 183, 0), None),  # aarch64 ILP32
        (ElfHeader(32, True, 0, EXEC, 40, 0), None),  # armeb
        (ElfHeader(64, True, 0, EXEC, 21, 1), None),  # ppc64
        (ElfHeader(32, False, 0, EXEC, 243, 0), None),  # riscv32
        (ElfHeader(32, False, 0, EXEC, 8, 0x70001005), "mipsel"),  # o32
        (ElfHeader(32, False, 0, EXEC, 8, 0x80000027), None),  # n32
        (ElfHeader(64, False, 0, EXEC, 8, 0x80000007), "mips64el"),  # n64
        (ElfHeader(64, False, 3, DYN, 62, 0), "x86_64"),  # OS ABI "Linux"
    ],
)
def test_word_size_byte_order_and_abi_make_the_architecture(header: ElfHeader, name: str | None) -> None:
    arch = architecture(header)
    assert (arch and arch.qemu) == name
    magic = binfmt_magic(BY_QEMU_NAME["mipsel"])
    assert matches(header_bytes(header), *magic) is (name == "mipsel")


@pytest.mark.parametrize(
    ("kind", "types", "linkage"),
    [
        (EXEC, [PT_LOAD], Linkage.STATIC),
        (DYN, [PT_LOAD], Linkage.STATIC),
        (DYN, [PT_LOAD, PT_DYNAMIC], Linkage.STATIC_PIE),
        (EXEC, [PT_LOAD, PT_DYNAMIC], Linkage.STATIC),
        (DYN, [PT_INTERP, PT_LOAD, PT_DYNAMIC], Linkage.DYNAMIC),
        (EXEC, [PT_INTERP, PT_LOAD, PT_DYNAMIC], Linkage.DYNAMIC),
    ],
)
def test_linkage_is_told_from_the_segments(kind: int, types: list[int], linkage: Linkage) -> None:
    assert read_linkage(io.BytesIO(program(kind, *((t, 0, 10) for t in types)))) is linkage


def test_this_interpreter_is_a_program_of_this_machine() -> None:
    found = describe(sys.executable)
    assert found.header.bits == (64 if sys.maxsize > 2**32 else 32)
    assert found.header.big_endian is (sys.byteorder == "big")
    assert found == describe(pathlib.Path(sys.executable))
    assert describe("/bin/true").linkage in Linkage


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it is no ELF file"),
        (b"#!/bin/sh\n", "it is no ELF file"),
        (header_bytes(ElfHeader(64, False, 0, EXEC, 62, 0))[:63], "it has only 63 bytes"),
        (header_bytes(ElfHeader(64, False, 0, 1, 62, 0)), "its ELF type is 1"),
        (header_bytes(ElfHeader(64, False, 0, EXEC, 62, 0)), "it has no program headers"),
        (header_bytes(ElfHeader(64, False, 0, EXEC, 62, 0), 2) + bytes(56), "reach to byte 176, but it ends at"),
        (header_bytes(ElfHeader(64, False, 0, EXEC, 62, 0), 1, 55) + bytes(56), "are 55 bytes long instead of 56"),
        (header_bytes(ElfHeader(32, True, 0, EXEC, 62, 0), 1, 56) + bytes(56), "are 56 bytes long instead of 32"),
        (program(EXEC, (PT_LOAD, 0, 1000)), "reach to byte 1000, but it ends at byte 120"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(data: bytes, problem: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "qemu-arm-static"
    path.write_bytes(data)
    with pytest.raises(CrossbuildError) as caught:
        describe(path)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


def test_a_copy_cut_short_is_damaged(tmp_path: pathlib.Path) -> None:
    whole = pathlib.Path("/bin/true").read_bytes()
    path = tmp_path / "true"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CrossbuildError, match="damaged"):
        read_linkage(path)


def test_an_unreadable_path_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CrossbuildError, match="No such file or directory"):
        describe(tmp_path / "absent")
    with pytest.raises(CrossbuildError, match="Is a directory"):
        describe(tmp_path)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("big_endian", [False, True])
def test_a_build_id_is_found_among_other_notes(bits: int, big_endian: bool) -> None:
    order = ">" if big_endian else "<"

    def note(kind: int, name: bytes, content: bytes) -> bytes:
        padded = name.ljust(-(-len(name) // 4) * 4, b"\0") + content.ljust(-(-len(content) // 4) * 4, b"\0")
        return struct.pack(order + "III", len(name), len(content), kind) + padded

    notes = note(3, b"Other\0", b"12345") + note(1, b"GNU\0", b"123") + note(3, b"GNU\0", b"\xab\xcd\xef")
    header = header_bytes(ElfHeader(bits, big_endian, 0, DYN, 62, 0), 1)
    fields = (4, 4, 0, 0, 0, len(notes), len(notes), 4) if bits == 64 else (4, 0, 0, 0, len(notes), len(notes), 4, 4)
    offset = len(header) + struct.calcsize(order + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"))
    at = 2 if bits == 64 else 1
    fields = (*fields[:at], offset, *fields[at + 1 :])
    content = header + struct.pack(order + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"), *fields) + notes
    assert build_id(io.BytesIO(content)) == "abcdef"
    assert build_id(io.BytesIO(content[:-1])) in ("", "abcdef")
    assert build_id(io.BytesIO(content[: offset + 8])) == ""


def test_libraries_that_a_program_needs() -> None:
    names = b"\0libone.so.1\0libtwo.so.2\0"
    dynamic = struct.pack("<qQqQqQqQ", 1, 1, 5, 0x5000 + 0x200, 1, 13, 0, 0)
    table = [(1, 0x100, 0x5100, 0x300), (2, 0x300, 0x5300, len(dynamic))]
    segments = b"".join(struct.pack("<IIQQQQQQ", kind, 5, at, to, 0, size, size, 1) for kind, at, to, size in table)
    content = bytearray((header_bytes(ElfHeader(64, False, 0, DYN, 62, 0), 2) + segments).ljust(0x400, b"\0"))
    content[0x200 : 0x200 + len(names)] = names
    content[0x300 : 0x300 + len(dynamic)] = dynamic
    assert needed(io.BytesIO(bytes(content))) == ["libone.so.1", "libtwo.so.2"]


def test_what_is_no_program_needs_nothing_and_has_no_build_id() -> None:
    for content in (b"", b"#!/bin/sh", b"\x7fELF", program(EXEC)):
        assert (build_id(io.BytesIO(content)), needed(io.BytesIO(content))) == ("", [])
