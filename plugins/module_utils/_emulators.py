# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The QEMU user-mode emulators that are on this host."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from . import _elf, _qemu_version
from ._architectures import Architecture
from ._command import run
from ._errors import CrossbuildError
from ._platform import Platform

# Debian's link; its ending tells QEMU before 6.0 that argv[0] is preserved.
_PRESERVING_LINK = "/usr/libexec/qemu-binfmt/{qemu}-binfmt-P"
# What an archive or an image brought, see _emulator_store.py.
CURRENT = "/opt/trusted.crossbuild/qemu/current"
_PROGRAMS = (CURRENT + "/qemu-{qemu}-static", "/usr/bin/qemu-{qemu}-static", "/usr/bin/qemu-{qemu}")


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
        """The path to register where the dispatcher is not wanted, see ``_dispatcher.copy_of``."""
        link = _PRESERVING_LINK.format(qemu=self.architecture.qemu)
        return link if os.path.exists(link) and os.path.samefile(link, self.path) else self.path

    def release(self) -> _qemu_version.QemuVersion:
        """The version it reports. Raises CrossbuildError where it reports none, as one that does not run here."""
        try:
            said = run([self.path, "--version"])
        except OSError as exc:
            raise CrossbuildError(f"{self.path} cannot be executed: {exc.strerror}.") from exc
        version = _qemu_version.parse(said.stdout)
        if not version:
            raise CrossbuildError(
                f"{self.path} does not tell its version (status {said.returncode}): is it QEMU's user-mode emulator,"
                " whole, and for this host's processor?"
            )
        return version

    def version(self) -> str:
        """The version it reports, for example ``7.2.22``."""
        return self.release().upstream


def candidates(architecture: Architecture) -> list[str]:
    """Where its emulator may be; what was brought for itself goes before the distribution's."""
    return [pattern.format(qemu=architecture.qemu) for pattern in _PROGRAMS]


def find(architecture: Architecture) -> Emulator | None:
    """The emulator for an architecture: a static one where there is one, else a dynamic one, else None."""
    paths = [path for path in candidates(architecture) if os.path.exists(path)]
    found = [Emulator(architecture, path, _elf.describe(path).linkage.value) for path in paths]
    return next((emulator for emulator in found if emulator.usable), found[0] if found else None)


def version_at(interpreter: str, architecture: Architecture) -> str | None:
    """The version of the emulator behind an entry; None where it cannot say one, and so runs nothing."""
    # The file itself: under the name of a link such as arm-binfmt-P it would not heed --version.
    try:
        return Emulator(architecture, os.path.realpath(interpreter), linkage="").version()
    except (CrossbuildError, OSError):
        return None


def store_is_used() -> bool:
    """Whether emulators of an archive or an image are there, which are used before those of packages."""
    return os.path.lexists(CURRENT)


def describe(emulators: list[Emulator]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Path, version and linkage by QEMU's name, and warnings about what is known to be broken in them.

    Those that lie in one directory and were made in the same moment are of one build: one of them is asked.
    """
    versions: dict[tuple[str, int], _qemu_version.QemuVersion] = {}
    described, warnings = {}, []
    for emulator in emulators:
        build = (os.path.dirname(os.path.realpath(emulator.path)), os.stat(emulator.path).st_mtime_ns)
        version = versions.get(build) or versions.setdefault(build, emulator.release())
        guest = emulator.architecture.qemu
        described[guest] = {"path": emulator.path, "version": version.upstream, "linkage": emulator.linkage}
        warnings += [
            f"{emulator.path} is QEMU {version.package or version}, {emulator.linkage}, of which is known that {words}."
            " Ask for a newer version."
            for words in _qemu_version.problems(version, guest, emulator.linkage)
        ]
    return described, warnings


def used_for(platform: Platform, host: Platform) -> Emulator | None:
    """The emulator that programs of ``platform`` need on this host; None where there is none, or the kernel needs none."""
    runs_by_itself = (host.architecture, platform.architecture) == ("amd64", "386")
    return None if runs_by_itself or platform.arch == host.arch else find(platform.arch)


def require(architecture: Architecture) -> Emulator:
    """The static emulator for an architecture. Raises CrossbuildError where it is missing or dynamic."""
    emulator = find(architecture)
    if emulator is None:
        looked = " and ".join(candidates(architecture))
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
