# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Platform names: the spellings of Docker, Debian, uname and QEMU lead to one ``Platform``."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from typing import Iterable

from ._architectures import ARCHITECTURES, Architecture
from ._errors import CrossbuildError

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


def same_family(one: Platform, other: Platform) -> bool:
    """Whether an entry for one architecture could take over the native programs of the other.

    QEMU's binfmt script never registers these for each other, because an entry would take the host's own programs away from it.
    """
    if one.architecture == other.architecture:
        return True
    return bool(one.arch.family) and one.arch.family == other.arch.family


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
