# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for: the programs that one entry is to run, and the flags it is to have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterable

from . import _elf
from ._architectures import Architecture
from ._binfmt_entry import Entry, overlap, parse_bytes, register_line
from ._errors import CrossbuildError
from ._platform import everything, runs_natively
from ._probe_programs import probe_program
from ._qemu_version import numbers

# From these on the kernel tells, and QEMU heeds, that argv[0] is preserved.
_ARGV0_KERNEL = (5, 12)
_ARGV0_QEMU = (6, 0)
_TYPES = (_elf.ET_EXEC, _elf.ET_EXEC + 1)  # a program, and a position-independent one

_MISSING = {
    "P": "flag P (preserve argv[0]) is missing: programs such as busybox get a wrong name",
    "O": "flag O (open binary) is missing: programs that may be run but not read do not run",
    "C": "flag C (credentials) is missing: programs such as sudo do not get the rights of their owner",
    "F": "flag F (fix binary) is missing: containers would need a copy of the emulator",
}
_UNWANTED = {
    "P": "flag P (preserve argv[0]) is set: the interpreter gets a word that it does not expect",
    "O": "flag O (open binary) is set: the interpreter gets the program as an open file",
    "C": "flag C (credentials) is set: a setuid program of an image would run the emulator as root",
    "F": "flag F (fix binary) is set: the kernel keeps to the file that was there at registration",
}


@dataclass(frozen=True)
class Format:
    """Programs that one entry is to run: those of an architecture, or without one those that ``pattern`` matches.

    ``pattern`` is an entry without interpreter and flags. ``name`` is what the entry is called.
    """

    name: str
    pattern: Entry
    architecture: Architecture | None = None

    @property
    def label(self) -> str:
        """What it is called in results: QEMU's name of the architecture, or the entry's."""
        return self.architecture.qemu if self.architecture else self.name

    def entry(self, interpreter: str, flags: str) -> Entry:
        return replace(self.pattern, interpreter=interpreter, flags=flags)

    def takes(self, entry: Entry) -> bool:
        """Whether an entry takes these programs, or some of a custom format's, once it is enabled."""
        if self.architecture:
            return replace(entry, enabled=True).matches(probe_program(self.architecture))
        return overlap(self.pattern, entry)

    def responsible(self, newest_first: Iterable[Entry]) -> Entry | None:
        """The entry that runs these programs: of several, the kernel takes the one registered last."""
        return next((entry for entry in newest_first if entry.enabled and self.takes(entry)), None)


def of_architecture(architecture: Architecture) -> Format:
    name = f"qemu-{architecture.qemu}"
    magic, mask = _elf.binfmt_magic(architecture)
    return Format(name, Entry(name, "", magic, mask), architecture)


def custom(name: str, magic: str = "", mask: str = "", offset: int = 0, extension: str = "") -> Format:
    """A format as a person writes it, with ``\\xNN`` in magic and mask.

    Raises CrossbuildError for one that matches nothing, or what must not be taken.
    """
    # That an entry of this name can be written is known when one with an extension can.
    register_line(Entry(name, "/", extension="x"))
    pattern = Entry(name, "", parse_bytes(magic), parse_bytes(mask), offset, extension)
    if "." in extension:
        raise CrossbuildError(
            f"The extension {extension!r} matches no file: the kernel compares what follows the last dot. Write it without."
        )
    if pattern.mask and not any(pattern.mask):
        raise CrossbuildError(f"The mask {mask!r} leaves nothing of the magic: it would match every program.")
    for native in (platform for platform in everything() if runs_natively(platform)):
        if any(pattern.matches(program) for program in _programs(native.arch)):
            raise CrossbuildError(
                f"The format {name} matches this host's own programs ({native}): with it nothing would run any more."
                " Make magic and mask more precise."
            )
    return Format(name, pattern)


def _programs(architecture: Architecture) -> list[bytes]:
    program = probe_program(architecture)
    place = 17 if architecture.big_endian else 16
    return [program[:place] + bytes([kind]) + program[place + 1 :] for kind in _TYPES]


@dataclass(frozen=True)
class Flags:
    """The flags that were asked for. ``preserve_argv0`` None: as is right for kernel and emulator."""

    fix_binary: bool = True
    preserve_argv0: bool | None = None
    open_binary: bool = True
    credentials: bool = False

    def letters(self, preserve_argv0: bool) -> str:
        """As the kernel prints them."""
        wanted = {
            "P": preserve_argv0 if self.preserve_argv0 is None else self.preserve_argv0,
            "O": self.open_binary or self.credentials,
            "C": self.credentials,
            "F": self.fix_binary,
        }
        return "".join(letter for letter, on in wanted.items() if on)

    def undispatched(self) -> str | None:
        """In words, why an emulator with the dispatcher must not be registered with these; None where it may be."""
        if self.credentials:
            return "with credentials: true a set-user-ID program of an image could run native ones as its owner"
        if not self.fix_binary:
            return "with fix_binary: false no container would have it"
        if self.preserve_argv0 is False:
            return "with preserve_argv0: false native programs would lose the names that they are called by"
        return None


def argv0_arrives(kernel: str, qemu: str) -> bool:
    """Whether flag P is right for a kernel and an emulator of these versions, such as ``6.1.0-18-amd64`` and ``7.2.22``."""
    return numbers(kernel) >= _ARGV0_KERNEL and numbers(qemu) >= _ARGV0_QEMU


def flag_defects(actual: str, wanted: str) -> list[str]:
    """In words, how flags differ. Those that newer kernels add are passed over."""
    missing = [words for flag, words in _MISSING.items() if flag in wanted and flag not in actual]
    return missing + [words for flag, words in _UNWANTED.items() if flag in actual and flag not in wanted]
