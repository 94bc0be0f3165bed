# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._elf_strings import replace
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

BASE = 0x400000
READ, READ_EXECUTE, READ_WRITE = 4, 5, 6
STRINGS, CODE, DATA = 0x1000, 0x2000, 0x3000
LEA = b"\x48\x8d\x35"  # lea rsi, [rip + …]
MOV = b"\xbe"  # mov esi, …


def program(strings: bytes, code: bytes, data: bytes = b"") -> bytes:
    """A 64-bit file of three segments, a page each, whose addresses are their offsets and ``BASE``."""
    parts = ((STRINGS, READ, strings), (CODE, READ_EXECUTE, code), (DATA, READ_WRITE, data))
    header = b"\x7fELF\x02\x01\x01".ljust(32, b"\0") + struct.pack("<Q14xHH", 64, 56, len(parts))
    table = b"".join(
        struct.pack("<IIQQQQQQ", 1, flags, offset, BASE + offset, 0, len(content), len(content), 4096)
        for offset, flags, content in parts
    )
    image = bytearray(DATA + 4096)
    for offset, content in ((0, header), (64, table), *((offset, content) for offset, _flags, content in parts)):
        image[offset : offset + len(content)] = content
    return bytes(image)


def text(content: bytes, address: int) -> bytes:
    return content[address - BASE :].split(b"\0")[0]


def test_a_shorter_string_is_put_in_place_wherever_it_is_one() -> None:
    before = program(b"\0/usr/lib/gcc-cross/\0/usr/lib/gcc-cross/x\0", b"\x90")
    after = replace(before, "/usr/lib/gcc-cross/", "/usr/lib/gcc/")
    assert after[STRINGS : STRINGS + 42] == b"\0/usr/lib/gcc/\0\0\0\0\0\0\0/usr/lib/gcc-cross/x\0"


def test_a_file_without_the_string_is_not_touched() -> None:
    before = program(b"\0other\0", b"\x90")
    assert replace(before, "this", "something longer") == before


def test_code_that_names_a_string_by_distance_names_the_longer_one() -> None:
    at = BASE + STRINGS + 1
    before = program(b"\0x86_64\0", b"\x90" + LEA + struct.pack("<i", at - (BASE + CODE + 8)))
    after = replace(before, "x86_64", "aarch64")
    assert text(after, BASE + CODE + 8 + struct.unpack_from("<i", after, CODE + 4)[0]) == b"aarch64"


def test_code_and_data_that_name_a_string_by_address_name_the_longer_one() -> None:
    at = BASE + STRINGS + 1
    before = program(b"\0x86_64\0", MOV + struct.pack("<I", at), struct.pack("<QQ", 7, at))
    after = replace(before, "x86_64", "aarch64")
    assert text(after, struct.unpack_from("<I", after, CODE + 1)[0]) == b"aarch64"
    assert text(after, struct.unpack_from("<Q", after, DATA + 8)[0]) == b"aarch64"


def test_a_string_that_is_the_end_of_another_one() -> None:
    at = BASE + STRINGS + 1 + len("x86_64-pc-")
    before = program(b"\0x86_64-pc-linux-gnu\0", MOV + struct.pack("<I", at))
    after = replace(before, "linux-gnu", "linux-gnueabihf")
    assert text(after, struct.unpack_from("<I", after, CODE + 1)[0]) == b"linux-gnueabihf"
    assert text(after, BASE + STRINGS + 1) == b"x86_64-pc-linux-gnu"


def test_two_strings_do_not_take_the_same_place() -> None:
    one, two = BASE + STRINGS + 1, BASE + STRINGS + 5
    before = program(b"\0one\0two\0", MOV + struct.pack("<I", one) + MOV + struct.pack("<I", two))
    after = replace(replace(before, "one", "first"), "two", "second")
    assert [text(after, struct.unpack_from("<I", after, CODE + at)[0]) for at in (1, 6)] == [b"first", b"second"]


def test_the_segment_has_the_new_string() -> None:
    before = program(b"\0one\0", MOV + struct.pack("<I", BASE + STRINGS + 1))
    after = replace(before, "one", "first")
    assert struct.unpack_from("<QQ", after, 64 + 32) == (len(b"\0one\0first\0"),) * 2


def test_a_string_that_nothing_points_to() -> None:
    with pytest.raises(CrossbuildError, match="Nothing in a program points to 'one'"):
        replace(program(b"\0one\0", b"\x90"), "one", "first")


def test_a_page_without_room() -> None:
    with pytest.raises(CrossbuildError, match="no room for"):
        replace(program(b"\0one\0".ljust(4094, b"x"), MOV + struct.pack("<I", BASE + STRINGS + 1)), "one", "first")
