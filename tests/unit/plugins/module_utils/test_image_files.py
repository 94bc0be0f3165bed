# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files of an image are, out of its tar."""

from __future__ import annotations

import io
import struct
import tarfile
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils import _image_files
from ansible_collections.trusted.crossbuild.plugins.module_utils._arm_attributes import ArmNeeds
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._image_files import read_files
from ansible_collections.trusted.crossbuild.plugins.module_utils._image_programs import ImageFile, Program

V7 = b"A" + struct.pack("<I6sBIBB", 17, b"aeabi\0", 1, 7, 6, 10)
LOADER = b"/lib/ld-linux-armhf.so.3"


def arm(kind: int = 2, attributes: bytes = V7, loader: bytes = LOADER, filling: bytes = b"") -> bytes:
    """A program as a linker lays it out: headers, the loader's path, content, attributes, section headers."""
    path_at = 52 + 2 * 32
    attributes_at = path_at + len(loader) + 1 + len(filling)
    sections_at = attributes_at + len(attributes)
    return b"".join(
        (
            struct.pack("<4sBBBB8x", b"\x7fELF", 1, 1, 1, 0),
            struct.pack("<HHIIIIIHHHHHH", kind, 40, 1, 0, 52, sections_at, 0x5000400, 52, 32, 2, 40, 2, 0),
            struct.pack("<IIIIIIII", 1, 0, 0, 0, 52, 52, 5, 1),
            struct.pack("<IIIIIIII", 3, path_at, 0, 0, len(loader) + 1, len(loader) + 1, 4, 1),
            loader + b"\0",
            filling,
            attributes,
            bytes(40),
            struct.pack("<IIIIIIIIII", 0, 0x70000003, 0, 0, attributes_at, len(attributes), 0, 0, 1, 0),
        )
    )


PROGRAM = arm()


def tar(*files: tuple[str, int, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, mode, data in files:
            info = tarfile.TarInfo(name)
            info.mode, info.size = mode, len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "bin/sh"
            archive.addfile(info)
    return content.getvalue()


def pieces(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def read(data: bytes, libraries: bool = False) -> dict[str, ImageFile]:
    return {file.path: file for file in read_files(pieces(data), libraries)}


def found(data: bytes) -> Program | None:
    return read(tar(("x", 0o755, data)))["/x"].program


def test_programs_links_and_scripts() -> None:
    files = read(tar(("bin/sh", 0o755, PROGRAM), ("script", 0o755, b"#! /bin/sh -e\n"), ("text", 0o755, b"text")))
    program = files["/bin/sh"].program
    assert program
    assert (program.loader, program.needs) == ("/lib/ld-linux-armhf.so.3", ArmNeeds(7, True))
    assert files["/bin/sh"].executable
    assert files["/script"] == ImageFile("/script", script="/bin/sh")
    assert files["/text"] == ImageFile("/text")
    assert files["/link"] == ImageFile("/link", target="bin/sh")
    assert files["/hard"] == ImageFile("/hard", same_as="bin/sh")


def test_libraries_are_looked_into_when_asked_for() -> None:
    data = tar(("lib/x.so", 0o644, arm(kind=3)), ("lib/x.o", 0o644, arm(kind=1)))
    assert read(data)["/lib/x.so"].program is None
    files = read(data, libraries=True)
    assert files["/lib/x.so"].program
    assert not files["/lib/x.so"].executable
    assert files["/lib/x.o"].program is None


def test_without_section_headers_nothing_is_told_but_the_flags() -> None:
    stripped = PROGRAM[:-80]
    program = found(stripped)
    assert program
    assert (program.needs, program.loader) == (ArmNeeds(None, True), "/lib/ld-linux-armhf.so.3")


@pytest.mark.parametrize(("at", "loader", "version"), [(42, "", 7), (46, LOADER.decode(), None)])
def test_a_table_whose_rows_are_of_another_length_is_not_read(at: int, loader: str, version: int | None) -> None:
    program = found(PROGRAM[:at] + b"\x30" + PROGRAM[at + 1 :])
    assert program
    assert (program.loader, program.needs.version) == (loader, version)


@given(st.integers(0, len(PROGRAM)), st.integers(0, 0xFFFFFFFF))
def test_no_damage_is_an_error(at: int, word: int) -> None:
    found(PROGRAM[:at] + struct.pack("<I", word) + PROGRAM[at + 4 :])
    assert found(PROGRAM[:at]) is None or at >= 52


def test_a_header_that_points_far_beyond_the_end() -> None:
    far = struct.pack(
        "<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 2, 62, 1, 0, 1 << 63, 1 << 63, 0, 64, 56, 9, 64, 9, 0
    )
    program = found(far)
    assert program
    assert program.loader == ""


def test_a_large_program_is_not_kept_in_memory() -> None:
    size = 100 << 20
    program = arm()
    info = tarfile.TarInfo("large")
    info.mode, info.size = 0o755, len(program) + size

    def stream() -> Iterator[bytes]:
        yield info.tobuf()
        yield program
        for _mebibyte in range(size >> 20):
            yield bytes(1 << 20)
        yield bytes(-len(program) % 512 + 1024)

    tracemalloc.start()
    try:
        (file,) = read_files(stream(), False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert file.program
    assert peak < 40 << 20


def test_where_there_is_no_room_the_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # /dev/full, as a disk that is full cannot be had without root.
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(_image_files.tempfile, "SpooledTemporaryFile", lambda _size: full)
        with pytest.raises(CrossbuildError, match=r"^/x of the image cannot be looked at: No space left on device\. "):
            found(PROGRAM)
