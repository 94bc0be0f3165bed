# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Platform names: one table for the spellings of Docker, Debian, uname and QEMU."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from typing import Iterable

from ._errors import CrossbuildError


@dataclass(frozen=True)
class Architecture:
    """An instruction set, as each of the worlds that meet here calls it.

    ``debian`` maps a variant (or ``""``) to Debian's name for it; ``aliases`` maps further spellings to a variant.
    ``elf_machine`` is ``e_machine``: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
    """

    qemu: str
    docker: str
    bits: int
    big_endian: bool
    elf_machine: int
    debian: dict[str, str]
    aliases: dict[str, str]
    variants: tuple[str, ...] = ()
    default_variant: str = ""


# Adding an architecture is adding a row here, and its probe program to _probe_programs.PROBE_CODE.
ARCHITECTURES = (
    Architecture(
        "arm",
        "arm",
        32,
        False,
        40,
        {"v7": "armhf", "v5": "armel"},
        {
            "armv8l": "v7",
            "armv7l": "v7",
            "armv7": "v7",
            "arm32v7": "v7",
            "armv6l": "v6",
            "armv6": "v6",
            "arm32v6": "v6",
            "armv5tel": "v5",
            "armv5tejl": "v5",
            "armv5": "v5",
            "arm32v5": "v5",
        },
        ("v5", "v6", "v7"),
        "v7",
    ),
    Architecture("aarch64", "arm64", 64, False, 183, {"": "arm64"}, {"arm64v8": ""}, ("v8",)),
    Architecture("riscv64", "riscv64", 64, False, 243, {"": "riscv64"}, {}),
    Architecture("ppc64le", "ppc64le", 64, False, 21, {"": "ppc64el"}, {}),
    Architecture("s390x", "s390x", 64, True, 22, {"": "s390x"}, {}),
    Architecture("mips64el", "mips64le", 64, False, 8, {"": "mips64el"}, {}),
    Architecture("mipsel", "mipsle", 32, False, 8, {"": "mipsel"}, {}),
    Architecture("loongarch64", "loong64", 64, False, 258, {"": "loong64"}, {}),
    Architecture("i386", "386", 32, False, 3, {"": "i386"}, {"i486": "", "i586": "", "i686": "", "x86": ""}),
    Architecture("x86_64", "amd64", 64, False, 62, {"": "amd64"}, {"x86-64": ""}, ("v2", "v3", "v4")),
)

_BY_DOCKER_NAME = {arch.docker: arch for arch in ARCHITECTURES}
# What is meant where no variant is named: the oldest, as by containerd, https://github.com/containerd/platforms
_UNNAMED_VARIANTS = {"amd64": "v1", "arm64": "v8"}


@dataclass(frozen=True)
class Platform:
    """A platform as Docker writes it, for example ``linux/arm/v7``."""

    architecture: str
    variant: str = ""
    os: str = "linux"

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def arch(self) -> Architecture:
        return _BY_DOCKER_NAME[self.architecture]

    @property
    def debian(self) -> str | None:
        """Debian's architecture name, or None where Debian has no such port (arm/v6)."""
        return self.arch.debian.get(self.variant) or self.arch.debian.get("")

    def accepts(self, other: Platform) -> bool:
        """Whether a program or image of platform ``other`` runs where this platform is asked for.

        An image may name no variant, or an older one: v5 and v6 code runs on a v7.
        """
        if (self.os, self.architecture) != (other.os, other.architecture):
            return False
        newest = self.variant or _UNNAMED_VARIANTS.get(self.architecture, "")
        return not other.variant or not newest or other.variant <= newest


def _spellings() -> dict[str, Platform]:
    names: dict[str, Platform] = {}
    for arch in ARCHITECTURES:
        default = Platform(arch.docker, arch.default_variant)
        names[arch.docker] = names[arch.qemu] = default
        for variant in arch.variants:
            # Docker normalises arm64/v8 to arm64, as v8 is the only one.
            names[arch.docker + "/" + variant] = default if arch.docker == "arm64" else Platform(arch.docker, variant)
        for variant, debian in arch.debian.items():
            names[debian] = Platform(arch.docker, variant)
        for alias, variant in arch.aliases.items():
            names[alias] = Platform(arch.docker, variant)
    return names


_SPELLINGS = _spellings()


def parse(name: str) -> Platform:
    """The platform a person means by ``armhf``, ``arm/v7``, ``linux/arm/v7``, ``armv7l``, ...

    Raises CrossbuildError with the nearest known names.
    """
    spelling = name.strip().lower()
    os_name, slash, rest = spelling.partition("/")
    if slash and os_name == "linux":
        spelling = rest
    platform = _SPELLINGS.get(spelling)
    if platform is None:
        near = difflib.get_close_matches(spelling, _SPELLINGS, n=3, cutoff=0.5) or ["armhf", "arm64", "riscv64"]
        raise CrossbuildError(
            f"Unknown platform {name!r}. The nearest known names are {', '.join(near)}; any of"
            f" linux/{{{','.join(sorted(_BY_DOCKER_NAME))}}} is understood, and the names Debian, QEMU and uname use."
        )
    return platform


def parse_list(names: Iterable[str]) -> list[Platform]:
    """Platforms in the order given, each once; ``all`` stands for one of every architecture."""
    platforms: dict[Platform, None] = {}
    for name in names:
        found = everything() if name.strip().lower() == "all" else [parse(name)]
        platforms.update(dict.fromkeys(found))
    return list(platforms)


def everything() -> list[Platform]:
    return [Platform(arch.docker, arch.default_variant) for arch in ARCHITECTURES]


def architectures(platforms: Iterable[Platform]) -> list[Architecture]:
    """The architectures of some platforms, each once: one emulator and one entry serve all variants."""
    wanted = [platform.arch for platform in platforms]
    return [arch for arch in ARCHITECTURES if arch in wanted]


def host() -> Platform:
    """The platform of the running kernel."""
    machine = os.uname().machine
    # The one machine whose byte order uname does not tell. Docker's "mips64" is big-endian.
    if machine in ("mips", "mips64") and sys.byteorder == "little":
        machine += "el"
    return parse(machine)


# What a kernel may run besides its own architecture without help. QEMU's binfmt script never registers these
# for each other, because an entry would take the host's own programs away from it.
_FAMILIES = ({"386", "amd64"}, {"arm", "arm64"}, {"mipsle", "mips64le"})


def same_family(one: Platform, other: Platform) -> bool:
    """Whether an entry for one architecture could take over the native programs of the other."""
    if one.architecture == other.architecture:
        return True
    return any({one.architecture, other.architecture} <= family for family in _FAMILIES)


# personality(2): the call that asks for nothing, and the one that 64-bit ARM refuses where its processor has no 32-bit mode.
_ASK, _PER_LINUX32 = 0xFFFFFFFF, 0x0008


def runs_natively(platform: Platform) -> bool:
    """Whether this host runs the programs of a platform by itself: its own, and mostly those of its family.

    Some 64-bit ARM processors have no 32-bit mode any more. That of others is told by running programs only.
    """
    here = host()
    if (platform.architecture, here.architecture) == ("arm", "arm64"):
        return _has_32_bit_mode()
    return same_family(platform, here)


def _has_32_bit_mode() -> bool:
    import ctypes

    personality = ctypes.CDLL(None).personality
    before = personality(_ASK)
    if personality(_PER_LINUX32) == -1:
        return False
    personality(before)
    return True
