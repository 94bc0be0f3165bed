# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an image, out of a tar that is read once, from its beginning to its end."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from typing import IO, BinaryIO, Iterator, cast

from . import _elf
from ._chunk_reader import ChunkReader
from ._errors import CrossbuildError
from ._image_programs import ImageFile, read_program

_START = 256  # enough for an ELF header, and as much of a #! line as the kernel reads
_IN_MEMORY = 16 << 20  # bytes of a program; a larger one is looked at in a temporary file


def read_files(content: Iterator[bytes], libraries: bool) -> Iterator[ImageFile]:
    """Every file of a tar that comes in pieces. Without ``libraries`` only those that are executable are looked into."""
    with tarfile.open(fileobj=cast(IO[bytes], ChunkReader(content)), mode="r|") as archive:
        for info in archive:
            path = "/" + info.name.strip("/")
            executable = bool(info.mode & 0o111)
            file = archive.extractfile(info) if info.isreg() and (executable or libraries) else None
            if file:
                yield _read_file(path, cast(BinaryIO, file), executable)
            else:
                yield ImageFile(
                    path,
                    target=info.linkname if info.issym() else "",
                    same_as=info.linkname if info.islnk() else "",
                )


def _read_file(path: str, content: BinaryIO, executable: bool) -> ImageFile:
    start = content.read(_START)
    if start.startswith(b"#!"):
        words = start[2:].split(b"\n")[0].split()
        return ImageFile(path, script=words[0].decode("utf-8", "surrogateescape") if words else "")
    header = _elf.parse_header(start)
    if header is None or header.type not in (_elf.ET_EXEC, _elf.ET_DYN):
        return ImageFile(path)
    # The tables of an ELF file are at its end and speak of what came before.
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        seekable = cast(BinaryIO, copy)
        try:
            seekable.write(start)
            shutil.copyfileobj(content, seekable)
        except OSError as exc:
            raise CrossbuildError(
                f"{path} of the image cannot be looked at: {exc.strerror or exc}. It is larger than {_IN_MEMORY >> 20} MB,"
                f" and {tempfile.gettempdir()} must have room for it."
            ) from exc
        return ImageFile(path, program=read_program(header, seekable), executable=executable)
