# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of emulators that begin with the dispatcher: compiled, written, and known again.

``source`` is everywhere the text of roles/accelerator/files/dispatcher.c. To a host Ansible sends it as a file or a
parameter, and nothing of a collection but Python by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile

from . import _command
from ._atomic import write_file
from ._errors import CrossbuildError

DIRECTORY = "/opt/trusted.crossbuild/dispatcher"

_COMPILER = "gcc"
# The source comes by the standard input. Code and constants become one segment ("noseparate-code") which may lie
# anywhere (PIC); what gcc would add for the C library, for debuggers or against attacks is left out, as QEMU has not
# begun where this runs. Of the registers only those are used that dispatcher.c leaves as it found them.
_OPTIONS = (
    "-x",
    "c",
    "-std=gnu11",
    "-Wall",
    "-Wextra",
    "-Os",
    "-ffreestanding",
    "-fPIC",
    "-mgeneral-regs-only",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-tree-loop-distribute-patterns",  # makes calls of memcpy
    "-fcf-protection=none",
    "-nostdlib",
    "-static",
    "-no-pie",
    "-Wl,--build-id=none,-z,noseparate-code,-z,noexecstack",
)


def path(emulator: str) -> str:
    """Where the copy of an emulator belongs. It has the name of the emulator's own file, which processes are called by."""
    return os.path.join(DIRECTORY, os.path.basename(os.path.realpath(emulator)))


def is_copy(interpreter: str) -> bool:
    """Whether the path of an entry is that of a copy."""
    return os.path.dirname(interpreter) == DIRECTORY


def is_current(copy: str, emulator: str, source: str) -> bool:
    """Whether ``copy`` is that emulator file, as it is now, with the dispatcher of that source. Compiles nothing."""
    from . import _elf_prologue

    return os.path.exists(copy) and _elf_prologue.is_attached(_read(copy), _read(emulator), _digest(source))


def copy_of(emulator: str) -> str | None:
    """The copy of that emulator file, as it is now, whichever source its dispatcher is of; None where there is none such.

    A copy that is damaged or cannot be read is none.
    """
    copy = path(emulator)
    if not os.path.exists(copy):
        return None
    from . import _elf_prologue

    try:
        program = _read(copy)
        found = _elf_prologue.find(program)
        return copy if found and _elf_prologue.is_attached(program, _read(emulator), found.digest) else None
    except CrossbuildError:
        return None


def make(copy: str, emulator: str, source: str) -> None:
    """Writes ``copy``: an emulator with the dispatcher. It takes the place of an older one, which entries still hold open.

    Raises CrossbuildError where the emulator cannot be given one (see ``_elf_prologue.attach``), and where there is no
    compiler. The emulator's own file is only read.
    """
    from . import _elf_prologue

    program = _read(emulator)
    # Before a compiler is asked for that would not help.
    _elf_prologue.require_usable(emulator, program)
    write_file(copy, _elf_prologue.attach(emulator, program, compiled(source), _digest(source)), mode=0o755)


def remove() -> None:
    """Takes all copies away. Entries that were made of them go on with the files that they hold open."""
    shutil.rmtree(DIRECTORY)
    with contextlib.suppress(OSError):  # other things of this collection are beside it
        os.rmdir(os.path.dirname(DIRECTORY))


def compiled(source: str) -> bytes:
    """The dispatcher as an ELF file, for ``_elf_prologue.attach``. Raises CrossbuildError where there is no compiler."""
    if shutil.which(_COMPILER) is None:
        raise CrossbuildError(
            f"There is no {_COMPILER} on this host, which compiles the dispatcher: install the package gcc (it is called so by"
            " apt, dnf, zypper, pacman and apk; no headers and libraries are needed), or build without acceleration."
        )
    with tempfile.TemporaryDirectory(prefix="crossbuild-dispatcher-") as directory:
        program = os.path.join(directory, "dispatcher")
        done = _command.run([_COMPILER, *_options(), "-o", program], stdin=source)
        if done.returncode != 0:
            raise CrossbuildError(
                f"{_COMPILER} cannot compile the dispatcher (status {done.returncode}): {_command.tail(done.stderr)}\n"
                "It takes GCC 8 or newer for x86_64, with its assembler and linker (the package binutils)."
            )
        return _read(program)


def _options() -> list[str]:
    """For the compiler, without the name of what it is to write."""
    from ._accelerator_tools import PREFIX

    return [*_OPTIONS, f'-DPREFIX="{PREFIX}"', "-"]


def _digest(source: str) -> bytes:
    """Names what a compiler makes of a source, whichever compiler it is."""
    return hashlib.sha256("\0".join([*_options(), source]).encode()).digest()


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as exc:
        raise CrossbuildError(f"Cannot read {file}: {exc.strerror}.") from exc
