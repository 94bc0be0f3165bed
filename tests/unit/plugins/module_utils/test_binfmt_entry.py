# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import (
    Entry,
    handler,
    normalise_flags,
    overlap,
    parse_bytes,
    parse_kernel_text,
    parse_register_line,
    register_line,
    same_programs,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

DELIMITERS = ":|!,;#~^%@+="
ARM = Entry("qemu-arm", "/usr/bin/qemu-arm-static", b"\x7fELF", b"\xff\xff\xff\x00", flags="PF")
PYTHON = Entry("python", "/usr/bin/python3", extension="pyc")

flags = st.text("POCF", max_size=6)
magics = st.integers(1, 60).flatmap(
    lambda size: st.tuples(
        st.binary(min_size=size, max_size=size), st.just(b"") | st.binary(min_size=size, max_size=size)
    )
)


def paths(plain: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return plain.map("/".__add__).filter(lambda path: len(path.encode("utf-8", "surrogateescape")) <= 127)


# What a person could mean: names and paths of any printable characters, every delimiter and blank among them.
printable = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from(DELIMITERS + " \\.\udcff"), max_size=40
)
names = printable.filter(lambda name: name not in ("", ".", "..", "register", "status") and "/" not in name)
sound = st.one_of(
    st.builds(
        lambda name, path, magic, offset, flags: Entry(name, path, magic[0], magic[1], offset, flags=flags),
        names,
        paths(printable),
        magics,
        st.integers(0, 60),
        flags,
    ),
    st.builds(
        lambda name, path, extension, flags: Entry(name, path, extension=extension, flags=flags),
        names,
        paths(printable),
        printable.filter(lambda text: text and "/" not in text),
        flags,
    ),
)
# Whatever a module could be handed: half of a surrogate pair, bytes that are no UTF-8, control characters, 2 kB.
anything = st.text(
    st.characters() | st.sampled_from(DELIMITERS + "/\n\r\t\0\\x41\x85\u2028\ud800\udc80"), max_size=30
) | st.sampled_from(
    ["", ".", "..", "register", "status", "/" + "i" * 126, "/" + "i" * 127, "n" * 256, "/" + "i" * 2000]
)
hostile = st.builds(
    Entry,
    name=anything,
    interpreter=anything | anything.map("/".__add__),
    magic=st.binary(max_size=130),
    mask=st.binary(max_size=130),
    offset=st.integers(-1, 140),
    extension=st.just("") | anything,
    flags=flags | anything,
)


def as_kernel_reads(line: bytes) -> tuple[bytes, ...]:
    """The fields of a line by the kernel's own algorithm, written apart from the code under test.

    The first byte is the delimiter; the magic's escapes take two digits; only known flags may follow the last one, and
    one newline. See create_entry() in fs/binfmt_misc.c.
    """
    assert len(line) <= 1920
    assert b"\0" not in line, "a string ends there"
    assert line[:1] not in b"#;", "a comment in binfmt.d"
    assert b"\n" not in line, "another line in binfmt.d"
    delimiter, rest = line[:1], line[1:]
    name, rest = rest.split(delimiter, 1)
    assert name not in (b"", b".", b"..", b"register", b"status")
    assert b"/" not in name
    assert len(name) <= 255, "no file name"
    kind, offset, magic, mask, interpreter, options = rest.split(delimiter)
    assert kind in (b"M", b"E")
    assert interpreter.startswith(b"/")
    if kind == b"E":
        assert magic
        assert b"/" not in magic
        assert (offset, mask) == (b"", b"")
        return name, kind, b"0", magic, b"", interpreter, options
    assert re.fullmatch(rb"(\\x[0-9a-f]{2})+", magic)
    assert re.fullmatch(rb"(\\x[0-9a-f]{2})*", mask)
    assert re.fullmatch(rb"[0-9]*", offset)
    unescaped = [bytes.fromhex(text.replace(b"\\x", b"").decode()) for text in (magic, mask)]
    assert not mask or len(unescaped[0]) == len(unescaped[1])
    assert int(offset or 0) + len(unescaped[0]) < 128
    return name, kind, b"%d" % int(offset or 0), *unescaped, interpreter, options


def meaning(entry: Entry) -> tuple[bytes, ...]:
    name, interpreter, extension = (
        text.encode("utf-8", "surrogateescape") for text in (entry.name, entry.interpreter, entry.extension)
    )
    options = entry.flags.encode()
    if extension:
        return name, b"E", b"0", extension, b"", interpreter, options
    return name, b"M", b"%d" % entry.offset, entry.magic, entry.mask, interpreter, options


@given(sound)
@example(Entry("a:b|c!d", "/e,f", b"g"))
@example(Entry("a:b|c!d", "/e,f", extension="g;#"))
@example(Entry(" a ", "/b ", extension=" c "))
def test_a_sound_entry_is_written_and_read_back(entry: Entry) -> None:
    try:
        line = register_line(entry)
    except CrossbuildError as error:
        assert "use up every delimiter" in str(error)
        return
    assert as_kernel_reads(line) == meaning(entry)
    assert (
        parse_register_line(line)
        == parse_register_line(line + b"\n")
        == replace(entry, flags=normalise_flags(entry.flags))
    )


@given(hostile)
@example(replace(ARM, name="a/b"))
@example(replace(ARM, name="a\0b"))
@example(replace(ARM, name="a\n:b:M::c::/d:"))
@example(replace(ARM, name="n" * 256))
@example(replace(ARM, name="\ud800"))
@example(replace(ARM, interpreter="/\udc00"))
@example(replace(ARM, interpreter="/" + "i" * 2000))
@example(replace(ARM, interpreter="/a\n"))
@example(replace(ARM, flags="F:"))
@example(replace(ARM, flags="F\n"))
@example(replace(PYTHON, extension="a/b"))
@example(replace(PYTHON, offset=4))
@example(replace(PYTHON, mask=b"\xff"))
def test_no_entry_makes_a_line_that_means_something_else(entry: Entry) -> None:
    try:
        line = register_line(entry)
    except CrossbuildError as error:
        assert repr(entry.name) in str(error)
    else:
        assert as_kernel_reads(line) == meaning(entry)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": ""}, "plain file name"),
        ({"name": "."}, "plain file name"),
        ({"name": ".."}, "plain file name"),
        ({"name": "register"}, "plain file name"),
        ({"name": "status"}, "plain file name"),
        ({"name": "a/b"}, "plain file name"),
        ({"name": "é" * 128}, "at most 255 bytes"),
        ({"name": "a\0b"}, "control characters"),
        ({"name": "a\nb"}, "control characters"),
        ({"name": "a\x7f"}, "control characters"),
        ({"interpreter": "/a\tb"}, "control characters"),
        ({"name": "\ud800"}, "no text"),
        ({"interpreter": "/\ud800"}, "no text"),
        ({"interpreter": ""}, "absolute path"),
        ({"interpreter": "qemu"}, "absolute path"),
        ({"interpreter": "/" + "i" * 127}, "at most 127 bytes"),
        ({"interpreter": "/" + "é" * 64}, "at most 127 bytes"),
        ({"magic": b"", "mask": b""}, "a magic or an extension"),
        ({"extension": "pyc"}, "a magic or an extension"),
        ({"magic": b"", "mask": b"", "extension": "a/b"}, "slash"),
        ({"magic": b"", "mask": b"", "extension": "pyc", "offset": 1}, "no offset"),
        ({"mask": b"\xff"}, "its mask has 1 bytes and its magic 4"),
        ({"offset": -1}, "first 127 bytes"),
        ({"offset": 124}, "first 127 bytes"),
        ({"flags": "p"}, "capital letters"),
        ({"flags": "F:"}, "capital letters"),
        ({"flags": "F" * 1900}, "the kernel reads 1920 at most"),
        ({"name": "".join(DELIMITERS)}, "use up every delimiter"),
    ],
)
def test_what_cannot_be_registered_is_refused_with_its_reason(change: dict[str, object], problem: str) -> None:
    entry = replace(ARM, **change)  # type: ignore[arg-type]
    with pytest.raises(CrossbuildError) as caught:
        register_line(entry)
    assert problem in str(caught.value)
    assert repr(entry.name) in str(caught.value)


def test_the_limits_themselves_are_allowed() -> None:
    entry = Entry("n" * 255, "/" + "i" * 126, b"m" * 127, b"\xff" * 127, flags="POCF")
    assert parse_register_line(register_line(entry)) == entry
    assert parse_register_line(register_line(replace(ARM, offset=123))) == replace(ARM, offset=123)


# What a Linux 6.18 answered when told each of these.
@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (b":n:M::ab::/i:", Entry("n", "/i", b"ab")),
        (b":n:M::ab::rel:", Entry("n", "rel", b"ab")),
        (b":n:M:+1:ab::/i:", Entry("n", "/i", b"ab", offset=1)),
        (b":n:M:010:ab::/i:", Entry("n", "/i", b"ab", offset=10)),
        (b":n:M:250:abcdef::/i:", Entry("n", "/i", b"abcdef", offset=250)),
        (rb":n:M::\x7fE:\xFF\x00:/i:", Entry("n", "/i", b"\x7fE", b"\xff\x00")),
        (rb":n:M::\\n::/i:", Entry("n", "/i", rb"\\n")),
        (rb":n:M::\\x41::/i:", Entry("n", "/i", rb"\\x41")),
        (b":n:M::ab::/i:PO\n", Entry("n", "/i", b"ab", flags="PO")),
        (b":n:M::ab::/i:C", Entry("n", "/i", b"ab", flags="OC")),
        (b":n:M::ab::/i:PP", Entry("n", "/i", b"ab", flags="P")),
        (b";n;M;;ab;;/i;", Entry("n", "/i", b"ab")),
        (b"\\n\\M\\\\ab\\\\/i\\", Entry("n", "/i", b"ab")),
        (b":n:E::txt::/i:", Entry("n", "/i", extension="txt")),
        (b":n:E:junk:txt:junk:/i:", Entry("n", "/i", extension="txt")),
        (b":n:E::.txt::/i:", Entry("n", "/i", extension=".txt")),
        (rb":n:E::\x41::/i:", Entry("n", "/i", extension=r"\x41")),
        (b":n:E::" + b"a" * 1909 + b"::/i:", Entry("n", "/i", extension="a" * 1909)),
        (b":a b:M::ab::/i j :", Entry("a b", "/i j ", b"ab")),
        (b":\xff:M::ab::/\xfe:", Entry("\udcff", "/\udcfe", b"ab")),
    ],
)
def test_lines_the_kernel_takes(line: bytes, entry: Entry) -> None:
    assert parse_register_line(line) == entry


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b":",
        b":::::::",
        b":n:M::ab::/i",
        b":n:M::ab::/i:PO:",
        b":n:M::ab::/i:PO\n\n",
        b":n:X::ab::/i:",
        b":n:EM::ab::/i:",
        b"::M::ab::/i:",
        b":.:M::ab::/i:",
        b":..:M::ab::/i:",
        b":a/b:M::ab::/i:",
        b":register:M::ab::/i:",
        b":status:M::ab::/i:",
        b":" + b"n" * 256 + b":M::ab::/i:",
        b":n:M::::/i:",
        b":n:M:::ab:/i:",
        b":n:M::ab:::",
        b":n:E::::/i:",
        b":n:E::a/b::/i:",
        b":n:M::ab:\xff:/i:",
        b":n:M::ab:a:/i:",
        rb":n:M::ab:\xff:/i:",
        b":n:M:-1:ab::/i:",
        b":n:M: 1:ab::/i:",
        b":n:M:1_0:ab::/i:",
        b":n:M:0x10:ab::/i:",
        b":n:M:a:ab::/i:",
        ":n:M:\u0663:ab::/i:".encode(),
        b":n:M:250:abcdefg::/i:",
        rb":n:M::\x7::/i:",
        rb":n:M::\xzz::/i:",
        rb":n:M::\x::/i:",
        rb":n:M::ab:\xf:/i:",
        b":n:M::a\0b::/i:",
        b":n:M::ab::/i\0:",
        b":n\0:M::ab::/i:",
        b":n:E::" + b"a" * 1910 + b"::/i:",
    ],
)
def test_lines_the_kernel_refuses(line: bytes) -> None:
    with pytest.raises(CrossbuildError) as caught:
        parse_register_line(line)
    assert str(caught.value).endswith(".")


pieces = st.lists(
    st.sampled_from([b"n", b"a", b"7f", rb"\x7f", rb"\x", b"1", b"-", b"/", b"F", b"\n", b"\0", b"\xff", b" "]),
    max_size=3,
).map(b"".join)
lines = st.tuples(pieces, st.sampled_from([b"M", b"E", b""]), pieces, pieces, pieces, pieces, pieces).map(
    lambda fields: b":" + b":".join(fields)
)


@given(lines | st.binary(max_size=60))
@example(b":n:M:1_0:ab::/i:")
@example(rb":n:M::\xzz::/i:")
@example(b":\xff n:M:1:ab:\xff\xff:/i :C")
def test_any_line_is_read_or_refused_and_what_is_read_keeps_its_meaning(line: bytes) -> None:
    try:
        entry = parse_register_line(line)
    except CrossbuildError:
        return
    try:
        again = register_line(entry)
    except CrossbuildError:
        return  # The kernel takes more than the collection writes, such as a relative interpreter.
    assert parse_register_line(again) == entry


@given(flags)
def test_flags_are_ordered_as_the_kernel_prints_them(text: str) -> None:
    result = normalise_flags(text)
    assert result == "".join(flag for flag in "POCF" if flag in text or (flag == "O" and "C" in text))
    assert normalise_flags(result) == result


def test_flags_of_newer_kernels_are_kept() -> None:
    assert normalise_flags("TCLF") == "OCFLT"


def kernel_text(entry: Entry) -> str:
    """As bm_entry_read() of fs/binfmt_misc.c prints it."""
    lines = ["enabled" if entry.enabled else "disabled", f"interpreter {entry.interpreter}", f"flags: {entry.flags}"]
    if entry.extension:
        lines.append(f"extension .{entry.extension}")
    else:
        lines += [f"offset {entry.offset}", f"magic {entry.magic.hex()}"]
        if entry.mask:
            lines.append(f"mask {entry.mask.hex()}")
    return "\n".join(lines) + "\n"


@given(sound, st.booleans(), st.integers(0, 2**63))
@example(Entry("n", "/i j ", extension=".x y "), True, 0)
@example(Entry("n", "/i\u2028j\x85", b"m"), True, 0)
def test_what_the_kernel_prints_is_read(entry: Entry, enabled: bool, registered: int) -> None:
    expected = replace(entry, flags=normalise_flags(entry.flags), enabled=enabled, registered_ns=registered)
    assert parse_kernel_text(entry.name, kernel_text(expected), registered) == expected


def test_lines_of_newer_kernels_are_passed_over() -> None:
    text = "enabled\ninterpreter /i\nflags: PFT\nnovelty: 7\noffset 2\nmagic 6162\nanother\n"
    assert parse_kernel_text("n", text) == Entry("n", "/i", b"ab", offset=2, flags="PFT")


def kernel_matches(entry: Entry, program: bytes) -> bool:
    """search_binfmt_handler() of fs/binfmt_misc.c, bit by bit. The kernel's buffer is zero behind a short program."""
    if not entry.enabled or entry.extension or not entry.magic:
        return False
    buffer = program + bytes(256)
    for bit in range(8 * len(entry.magic)):
        at, single = bit // 8, 1 << bit % 8
        counts = not entry.mask or entry.mask[at] & single
        if counts and (buffer[entry.offset + at] & single) != (entry.magic[at] & single):
            return False
    return True


# Few values, and programs made from an entry's own magic: random bytes would hardly ever match.
few_bytes = st.sampled_from([0x00, 0x01, 0x7F, 0xFF])


def strings(low: int, high: int) -> st.SearchStrategy[bytes]:
    return st.lists(few_bytes, min_size=low, max_size=high).map(bytes)


entries = st.integers(0, 4).flatmap(
    lambda size: st.builds(
        Entry,
        name=st.just("n"),
        interpreter=st.uuids().map("/{}".format),
        magic=strings(size, size),
        mask=st.just(b"") | strings(size, size),
        offset=st.integers(0, 3),
        extension=st.sampled_from(["", "", "", "pyc"]),
        enabled=st.sampled_from([True, True, False]),
    )
)


@st.composite
def entries_and_programs(draw: st.DrawFn) -> tuple[list[Entry], bytes]:
    several = draw(st.lists(entries, max_size=4))
    program = draw(strings(0, 8))
    made_to_match = draw(st.booleans())
    if several and made_to_match:
        model = draw(st.sampled_from(several))
        program = bytes(model.offset) + model.magic + draw(st.binary(max_size=2))
    return several, program


@given(entries_and_programs())
@example(([Entry("short", "/i", b"a\0\0\0")], b"a"))
@example(([Entry("magic of a kind unknown here", "/i")], b"a"))
@example(([Entry("masked", "/i", b"\xff", b"\x00")], b"a"))
def test_a_program_goes_to_the_newest_entry_that_matches_bit_by_bit(case: tuple[list[Entry], bytes]) -> None:
    several, program = case
    expected = [entry for entry in several if kernel_matches(entry, program)]
    assert [entry for entry in several if entry.matches(program)] == expected
    assert handler(iter(several), program) == (expected[0] if expected else None)


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ARM.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (Entry("wine", "/w", b"MZ"), Entry("clr", "/c", b"MZ"), True),
        (Entry("wine", "/w", b"MZ"), Entry("longer", "/c", b"MZ\x90\x00"), True),
        (Entry("wine", "/w", b"MZ"), Entry("zip", "/c", b"PK"), False),
        (Entry("wine", "/w", b"MZ"), Entry("pe", "/c", b"PE", offset=128), False),
        (Entry("at 1", "/w", b"ab", offset=1), Entry("at 0", "/c", b"xab"), True),
        (Entry("at 1", "/w", b"ab", offset=1), Entry("at 0", "/c", b"xax"), False),
        (Entry("masked", "/w", b"a\xff", b"\xff\x0f"), Entry("high bits", "/c", b"a\x0f", b"\xff\xff"), True),
        (Entry("low bits", "/w", b"\x0a", b"\x0f"), Entry("high bits", "/c", b"\xa0", b"\xf0"), False),
        (Entry("jar", "/j", extension="jar"), Entry("jars", "/k", extension="jar"), True),
        (Entry("jar", "/j", extension="jar"), Entry("exe", "/k", extension="exe"), False),
        (Entry("jar", "/j", extension="jar"), Entry("zip", "/k", b"PK"), False),
        (Entry("disabled", "/w", b"MZ", enabled=False), Entry("clr", "/c", b"MZ"), True),
        (Entry("of a new kind", "/w"), Entry("clr", "/c", b"MZ"), False),
    ],
)
def test_which_formats_overlap(one: Entry, other: Entry, common: bool) -> None:
    assert [overlap(*pair) for pair in ((one, other), (other, one))] == [common, common]


@given(entries, entries)
@example(Entry("n", "/i", b"\x01", b"\x01"), Entry("n", "/j", b"\x03", b"\x02"))
def test_formats_overlap_where_a_program_that_one_byte_decides_for_both_matches_both(one: Entry, other: Entry) -> None:
    one, other = replace(one, enabled=True, extension=""), replace(other, enabled=True, extension="")
    # The one program that matches both if any does: what each asks for, bit by bit.
    size = max(entry.offset + len(entry.magic) for entry in (one, other))
    program = bytearray(size)
    decided = [bytearray(size) for _entry in (one, other)]
    for entry, places in zip((one, other), decided):
        mask = entry.mask or b"\xff" * len(entry.magic)
        for at in range(len(entry.magic)):
            program[entry.offset + at] |= entry.magic[at] & mask[at]
            places[entry.offset + at] = mask[at]
    shared = any(left & right for left, right in zip(*decided))
    matching = one.matches(bytes(program)) and other.matches(bytes(program))
    assert overlap(one, other) == (shared and matching)


@given(entries, st.binary(max_size=8))
def test_the_same_programs_said_otherwise(entry: Entry, program: bytes) -> None:
    said_otherwise = replace(
        entry,
        name="other",
        interpreter="/other",
        magic=bytes(m & k for m, k in zip(entry.magic, entry.mask or b"\xff" * len(entry.magic))) + b"any",
        mask=(entry.mask or b"\xff" * len(entry.magic)) + b"\0\0\0",
    )
    if not entry.extension:
        assert same_programs(entry, said_otherwise)
        assert not entry.magic or entry.matches(program) == said_otherwise.matches(program)
    assert not same_programs(entry, replace(entry, magic=entry.magic + b"\x01", mask=b"", offset=9))


@given(st.binary(max_size=60))
def test_bytes_written_for_a_person_are_read_back(data: bytes) -> None:
    assert parse_bytes("".join(f"\\x{byte:02x}" for byte in data)) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [("MZ", b"MZ"), (r"\x7fELF", b"\x7fELF"), (r"\xCA\xfe:", b"\xca\xfe:"), ("\x7f\0", b"\x7f\0"), ("", b"")],
)
def test_bytes_as_a_person_writes_them(text: str, data: bytes) -> None:
    assert parse_bytes(text) == data


@pytest.mark.parametrize(("text", "problem"), [("\xff", "single quotes"), (r"\x7", "escape"), (r"\xzz", "escape")])
def test_bytes_that_a_person_did_not_mean(text: str, problem: str) -> None:
    with pytest.raises(CrossbuildError, match=problem):
        parse_bytes(text)
