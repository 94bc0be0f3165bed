# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the programs in an image are for the platform that was asked for."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Iterable

from . import _elf
from ._platform import Platform

# As much of a file as its ELF header or its #! line takes.
HEADER_SIZE = 256

_PROGRAM_DIRECTORIES = {"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_LINKS_MAX = 40  # as the kernel: path_resolution(7)


@dataclass(frozen=True)
class ImageFile:
    """A file of an image: its path, the target where it is a symbolic link, the beginning of an executable's content.

    ``same_as`` is the earlier name of a hard link.
    """

    path: str
    target: str = ""
    head: bytes = b""
    same_as: str = ""


@dataclass(frozen=True)
class Findings:
    """Programs by what they are for. ``wrong`` says why the image is not for the platform: empty, it is.

    ``foreign`` are programs of another architecture that do not decide, such as an emulator copied into the image.
    """

    matching: int
    foreign: list[str]
    wrong: str


def examine(files: Iterable[ImageFile], command: list[str], platform: Platform) -> Findings:
    """Looks at the ELF headers of an image's programs.

    What decides is what a container of the image starts: its command and its shell. Where neither is an ELF program,
    the programs in the usual directories decide together: at least one must be for the platform, if there are any.
    """
    image = {file.path: file for file in files}
    heads = {path: _head(image, path) for path, file in image.items() if file.head or file.same_as}
    programs = {path: _elf.parse_header(head) for path, head in heads.items()}
    fits = {path: _fits(header, platform) for path, header in programs.items() if header}
    usual = {path: fit for path, fit in fits.items() if posixpath.dirname(path) in _PROGRAM_DIRECTORIES}
    foreign = sorted(path for path, fit in usual.items() if not fit)
    matching = sum(usual.values())
    for start in (*command[:1], "/bin/sh"):
        path = _started(image, start)
        if path in fits and not fits[path]:
            return Findings(matching, foreign, f"its program {path} is for {_words(programs[path])}")
    if foreign and not any(fits.values()):
        return Findings(
            matching, foreign, f"its programs, such as {foreign[0]}, are for {_words(programs[foreign[0]])}"
        )
    return Findings(matching, foreign, "")


def _head(image: dict[str, ImageFile], path: str) -> bytes:
    file = image[path]
    original = image.get("/" + file.same_as.strip("/")) if file.same_as else None
    return original.head if original else file.head


def _started(image: dict[str, ImageFile], command: str) -> str:
    """The path of the program that is in the end executed for a command: links followed, scripts to their interpreter."""
    candidates = [command] if "/" in command else [posixpath.join(directory, command) for directory in _PATH]
    for candidate in candidates:
        path = _resolve(image, candidate)
        if path not in image:
            continue
        head = _head(image, path)
        if head.startswith(b"#!"):
            words = head[2:].split(b"\n")[0].split()
            return _resolve(image, words[0].decode("utf-8", "surrogateescape")) if words else path
        return path
    return ""


def _resolve(image: dict[str, ImageFile], path: str) -> str:
    """An absolute path without symbolic links in any of its components."""
    todo = [part for part in path.split("/") if part]
    done = "/"
    for _turn in range(_LINKS_MAX * 10):
        if not todo:
            return done
        here = posixpath.normpath(posixpath.join(done, todo.pop(0)))
        target = image[here].target if here in image else ""
        if target:
            todo = [part for part in target.split("/") if part] + todo
            done = "/" if target.startswith("/") else done
        else:
            done = here
    return ""


def _fits(header: _elf.ElfHeader, platform: Platform) -> bool:
    arch = platform.arch
    return (header.machine, header.bits, header.big_endian) == (arch.elf_machine, arch.bits, arch.big_endian)


def _words(header: _elf.ElfHeader | None) -> str:
    architecture = _elf.architecture(header) if header else None
    return architecture.docker if architecture else f"ELF machine {header.machine if header else '?'}"
