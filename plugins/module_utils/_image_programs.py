# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the programs in an image are for the platform that was asked for."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import BinaryIO, Iterable

from . import _arm_attributes, _elf
from ._arm_attributes import NOTHING, ArmNeeds
from ._platform import Platform

_PROGRAM_DIRECTORIES = {"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_LINKS_MAX = 40  # as the kernel: path_resolution(7)
# Here the loader looks for libraries made for some processors only, and takes them on these: ld.so(8).
_CHOSEN_BY_THE_LOADER = {"glibc-hwcaps", "neon", "vfp", "vfpv3", "vfpv4", "v6l", "v7l"}
_NAMED = 5  # in a message


@dataclass(frozen=True)
class Program:
    """What an ELF file tells: its header, the loader that it names, and what it needs where it is for 32-bit ARM."""

    header: _elf.ElfHeader
    loader: str = ""
    needs: ArmNeeds = NOTHING


@dataclass(frozen=True)
class ImageFile:
    """A file of an image: its path, the target where it is a symbolic link, and what its content is.

    ``program`` is None for what is no ELF program or library, ``script`` the interpreter of a ``#!`` line. ``same_as``
    is the earlier name of a hard link.
    """

    path: str
    target: str = ""
    program: Program | None = None
    script: str = ""
    same_as: str = ""
    executable: bool = False


@dataclass(frozen=True)
class Findings:
    """``wrong`` says why the image is not for the platform: empty, it is.

    ``foreign`` are programs of another architecture that do not decide, such as an emulator copied into the image.
    ``silent`` are those that decide and do not tell which version of 32-bit ARM they need.
    """

    foreign: list[str]
    silent: list[str]
    wrong: str


def read_program(header: _elf.ElfHeader, file: BinaryIO) -> Program:
    """A seekable file that has this header."""
    arch = _elf.architecture(header)
    if arch is None or arch.docker != "arm":
        return Program(header, _elf.interpreter(file))
    attributes = _elf.section(file, _arm_attributes.SHT_ARM_ATTRIBUTES)
    return Program(header, _elf.interpreter(file), _arm_attributes.needs(attributes, header.flags))


def examine(files: Iterable[ImageFile], command: list[str], platform: Platform, every: bool = False) -> Findings:
    """Looks at an image's programs.

    What decides is what a container of the image starts: its command and its shell, with the loader of each. Where neither
    is an ELF program, the programs in the usual directories decide together: at least one must be for the platform, if
    there are any. With ``every`` each ELF program and shared library decides.
    """
    image = {file.path: file for file in files if file.target or file.program or file.script or file.same_as}
    programs = {path: program for path in image for program in [_content(image, path).program] if program}
    wrong = {path: _mismatch(program, platform, path) for path, program in programs.items()}
    usual = [path for path in sorted(programs) if _is_usual(image, path)]
    started = [path for path in (_started(image, start) for start in (*command[:1], "/bin/sh")) if path in programs]
    deciding = sorted(programs) if every else list(dict.fromkeys(started))
    problems = [f"its program {path} {wrong[path]}" for path in deciding if wrong[path]]
    if not problems:
        problems = [problem for problem in (_loader_problem(image, path, platform) for path in started) if problem]
    if not problems and all(wrong.values()):
        problems = [f"its program {path} {wrong[path]}" for path in usual]
    return Findings(
        foreign=[path for path in usual if _elf.architecture(programs[path].header) != platform.arch],
        silent=[path for path in deciding if platform.architecture == "arm" and programs[path].needs.version is None],
        wrong=", ".join(problems[:_NAMED]) + (f", and {len(problems) - _NAMED} more" if problems[_NAMED:] else ""),
    )


def _is_usual(image: dict[str, ImageFile], path: str) -> bool:
    return posixpath.dirname(path) in _PROGRAM_DIRECTORIES and _content(image, path).executable


def _mismatch(program: Program, platform: Platform, path: str) -> str:
    """Why a program does not run on the platform; empty where it does, or does not tell."""
    architecture = _elf.architecture(program.header)
    if architecture != platform.arch:
        return f"is for {architecture.docker if architecture else f'ELF machine {program.header.machine}'}"
    if platform.architecture != "arm" or not _CHOSEN_BY_THE_LOADER.isdisjoint(path.split("/")):
        return ""
    has = int(platform.variant[1:])
    if program.needs.version is not None and program.needs.version > has:
        return f"needs ARMv{program.needs.version}"
    if program.needs.hard_float and has < 6:
        return "is for armhf: it passes floating point in registers that ARMv5 does not have"
    return ""


def _loader_problem(image: dict[str, ImageFile], path: str, platform: Platform) -> str:
    """Why the loader of a dynamic program cannot start it."""
    program = _content(image, path).program
    if program is None or not program.loader:
        return ""
    place = _resolve(image, program.loader)
    loader = _content(image, place).program if place in image else None
    if loader is None:
        return f"its program {path} is started by {program.loader}, which is not in the image"
    wrong = _mismatch(loader, platform, place)
    if not wrong and {program.needs.hard_float, loader.needs.hard_float} == {True, False}:
        wrong = "is for the other one of armel and armhf"
    return f"its program {path} is started by {place}, which {wrong}" if wrong else ""


def _content(image: dict[str, ImageFile], path: str) -> ImageFile:
    """The file itself, where the path is another name (a hard link) of it."""
    file = image[path]
    return image.get("/" + file.same_as.strip("/"), file) if file.same_as else file


def _started(image: dict[str, ImageFile], command: str) -> str:
    """The path of the program that is in the end executed for a command: links followed, scripts to their interpreter."""
    candidates = [command] if "/" in command else [posixpath.join(directory, command) for directory in _PATH]
    for candidate in candidates:
        path = _resolve(image, candidate)
        if path in image:
            script = _content(image, path).script
            return _resolve(image, script) if script else path
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
