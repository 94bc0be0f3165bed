# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The QEMU user-mode emulators that are on this host."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from . import _elf
from ._command import run
from ._errors import CrossbuildError
from ._platform import Architecture

# Debian's link; its ending tells QEMU before 6.0 that argv[0] is preserved.
_PRESERVING_LINK = "/usr/libexec/qemu-binfmt/{qemu}-binfmt-P"
_PROGRAMS = ("/usr/bin/qemu-{qemu}-static", "/usr/bin/qemu-{qemu}")


@dataclass(frozen=True)
class Emulator:
    """An emulator file. ``linkage`` is ``static``, ``static-pie`` or ``dynamic``."""

    architecture: Architecture
    path: str
    linkage: str

    @property
    def usable(self) -> bool:
        """Whether it works in containers, which have none of the libraries a dynamic program needs."""
        return self.linkage != "dynamic"

    @property
    def interpreter(self) -> str:
        """The path to register."""
        link = _PRESERVING_LINK.format(qemu=self.architecture.qemu)
        return link if os.path.exists(link) and os.path.samefile(link, self.path) else self.path

    def version(self) -> str:
        """The version it reports, for example ``7.2.22``."""
        said = run([self.path, "--version"])
        found = re.search(r"version (\S+)", said.stdout)
        if not found:
            raise CrossbuildError(
                f"{self.path} does not tell its version (status {said.returncode}): is it QEMU's user-mode emulator,"
                " whole, and for this host's processor?"
            )
        return found.group(1)

    def describe(self) -> dict[str, Any]:
        return {"path": self.path, "version": self.version(), "linkage": self.linkage}


def find(architecture: Architecture) -> Emulator | None:
    """The emulator for an architecture: a static one where there is one, else a dynamic one, else None."""
    paths = [pattern.format(qemu=architecture.qemu) for pattern in _PROGRAMS]
    found = [Emulator(architecture, path, _elf.describe(path).linkage.value) for path in paths if os.path.exists(path)]
    return next((emulator for emulator in found if emulator.usable), found[0] if found else None)


def require(architecture: Architecture) -> Emulator:
    """The static emulator for an architecture. Raises CrossbuildError where it is missing or dynamic."""
    emulator = find(architecture)
    if emulator is None:
        looked = " and ".join(pattern.format(qemu=architecture.qemu) for pattern in _PROGRAMS)
        raise CrossbuildError(
            f"There is no emulator for {architecture.docker} on this host: looked for {looked}."
            " Install it with trusted.crossbuild.qemu_user_static."
        )
    if not emulator.usable:
        raise CrossbuildError(
            f"The emulator {emulator.path} is dynamically linked: in a container, where its libraries are not, nothing it"
            " runs would start. Install a static one (on Debian 12 the package qemu-user-static, not qemu-user)."
        )
    return emulator
