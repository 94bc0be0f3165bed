# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._architectures import ARCHITECTURES
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import (
    Entry,
    parse_register_line,
    register_line,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_format import (
    Flags,
    argv0_arrives,
    custom,
    flag_defects,
    of_architecture,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._elf import binfmt_magic
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse

ARM = of_architecture(parse("arm").arch)
# As these programs register themselves.
NEIGHBOURS = [
    Entry("DOSWin", "/usr/bin/wine", b"MZ"),
    Entry("jarwrapper", "/usr/bin/jarwrapper", b"PK\x03\x04"),
    Entry("jar", "/usr/bin/jexec", extension="jar"),
    Entry("python3.11", "/usr/bin/python3.11", b"\xa7\x0d\x0d\x0a"),
    Entry("WSLInterop", "/init", b"MZ", flags="PF"),
    Entry("CLR", "/usr/bin/mono", b"MZ"),
]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: architecture.qemu)
def test_an_architecture_is_taken_by_its_own_entry_and_by_no_neighbour(architecture) -> None:
    form = of_architecture(architecture)
    own = form.entry("/usr/bin/qemu", "POF")
    takers = [other.qemu for other in ARCHITECTURES if form.takes(of_architecture(other).entry("/i", ""))]
    assert takers == [architecture.qemu]
    assert form.takes(replace(own, enabled=False))
    assert not any(form.takes(entry) for entry in NEIGHBOURS)
    assert parse_register_line(register_line(own)) == own


def test_the_newest_enabled_entry_that_takes_the_programs_is_responsible() -> None:
    magic, mask = binfmt_magic(parse("arm").arch)
    entries = [Entry(name, "/i", magic, mask) for name in ("newest", "middle", "oldest")]
    entries[0] = replace(entries[0], enabled=False)
    assert ARM.responsible([*NEIGHBOURS, *entries]) == entries[1]
    assert ARM.responsible(NEIGHBOURS) is None


def test_a_custom_format_is_taken_by_what_overlaps() -> None:
    form = custom("mine", magic="MZ")
    assert [entry.name for entry in NEIGHBOURS if form.takes(entry)] == ["DOSWin", "WSLInterop", "CLR"]
    assert [entry.name for entry in NEIGHBOURS if custom("mine", extension="jar").takes(entry)] == ["jar"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "a/b"}, "plain file name"),
        ({"name": "../a"}, "plain file name"),
        ({"name": "a\0b"}, "control characters"),
        ({"name": "a\nb"}, "control characters"),
        ({"name": ""}, "plain file name"),
        ({"magic": "\xff"}, "single quotes"),
        ({"magic": "MZ", "mask": r"\x00\x00"}, "would match every program"),
        ({"extension": ".jar"}, "Write it without"),
        ({"extension": "tar.gz"}, "Write it without"),
        ({"magic": r"\x7fELF"}, "own programs"),
        ({"magic": r"\x7fELF\x02\x01\x01", "mask": r"\xff\xff\xff\xff\xff\xff\x00"}, "own programs"),
        ({"magic": r"\x7fELF\x01"}, "own programs"),
        # Position-independent programs of x86_64 alone.
        ({"magic": r"\x03\x00\x3e\x00", "offset": 16}, "own programs"),
    ],
)
def test_formats_that_nobody_can_mean(wrong, words) -> None:
    with pytest.raises(CrossbuildError, match=words):
        custom(**{"name": "mine", **wrong})


text = st.text(st.characters() | st.sampled_from(":/\n\0\\|!,~^%@+=#;\x7f\u2028\ud800\udc80"), max_size=20)


@given(
    name=text | st.sampled_from(["register", "status", ".", "..", "n" * 256, "qemu-arm"]),
    magic=st.binary(min_size=1, max_size=130),
    masked=st.booleans(),
    offset=st.integers(-1, 130),
    extension=text,
    interpreter=text.map("/".__add__) | st.just("/" + "i" * 2000),
    by_extension=st.booleans(),
)
@example("a:b", b"\x7f:\n\0\\", True, 0, "", "/i:j", False)
@example("a", b"a", False, 0, "e:x\n", "/i", True)
def test_what_is_asked_for_is_registered_or_refused(
    name, magic, masked, offset, extension, interpreter, by_extension
) -> None:
    written = "".join(f"\\x{byte:02x}" for byte in magic)
    mask = r"\xff" * len(magic) if masked else ""
    try:
        form = custom(name, extension=extension) if by_extension else custom(name, written, mask, offset)
        line = register_line(form.entry(interpreter, "OF"))
    except CrossbuildError as error:
        assert len(str(error)) > 20
        return
    read = parse_register_line(line)
    assert (read.name, read.interpreter, read.flags) == (name, interpreter, "OF")
    if by_extension:
        assert (read.extension, read.magic, read.mask, read.offset) == (extension, b"", b"", 0)
    else:
        assert (read.extension, read.magic, read.offset) == ("", magic, offset)
        assert read.mask == (b"\xff" * len(magic) if masked else b"")


@pytest.mark.parametrize(
    ("flags", "letters"),
    [
        (Flags(), "POF"),
        (Flags(preserve_argv0=False), "OF"),
        (Flags(fix_binary=False), "PO"),
        (Flags(open_binary=False), "PF"),
        (Flags(credentials=True), "POCF"),
        (Flags(open_binary=False, credentials=True), "POCF"),
        (Flags(False, False, False, False), ""),
    ],
)
def test_flags_are_written_as_the_kernel_prints_them(flags, letters) -> None:
    assert flags.letters(preserve_argv0=True) == letters


def test_preserving_argv0_is_decided_elsewhere_unless_asked_for() -> None:
    assert Flags().letters(preserve_argv0=False) == "OF"
    assert Flags(preserve_argv0=True).letters(preserve_argv0=False) == "POF"


@pytest.mark.parametrize(
    ("kernel", "qemu", "arrives"),
    [
        ("6.1.0-18-amd64", "7.2.22", True),
        ("5.12.0", "6.0.0", True),
        ("5.12", "6.0", True),
        ("5.11.9-generic", "7.2.22", False),
        ("5.4.0-150-generic", "8.2.2", False),
        ("6.18.44-fc-v782", "5.2.0", False),
        ("6.1.0", "10.0.2", True),
        ("5.10.0-28-amd64", "5.2.0", False),
    ],
)
def test_argv0_arrives_with_a_kernel_that_tells_and_an_emulator_that_heeds(kernel, qemu, arrives) -> None:
    assert argv0_arrives(kernel, qemu) is arrives


@pytest.mark.parametrize(
    ("actual", "wanted", "words"),
    [
        ("POF", "POF", []),
        ("POFTLD", "POF", []),
        ("PO", "POF", ["flag F (fix binary) is missing"]),
        ("OF", "POF", ["flag P (preserve argv[0]) is missing"]),
        ("PF", "POF", ["flag O (open binary) is missing"]),
        ("POF", "POCF", ["flag C (credentials) is missing"]),
        ("POCF", "POF", ["flag C (credentials) is set"]),
        ("POF", "OF", ["flag P (preserve argv[0]) is set"]),
        ("POF", "PF", ["flag O (open binary) is set"]),
        ("POF", "PO", ["flag F (fix binary) is set"]),
        ("", "POF", ["flag P", "flag O", "flag F"]),
    ],
)
def test_flags_are_compared_as_asked(actual, wanted, words) -> None:
    found = flag_defects(actual, wanted)
    assert len(found) == len(words)
    assert all(text.startswith(start) for text, start in zip(found, words))
