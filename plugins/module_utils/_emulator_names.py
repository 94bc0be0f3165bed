# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the distributions call the packages with QEMU's static user-mode emulators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator

from ._architectures import Architecture
from ._qemu_version import matches


@dataclass(frozen=True)
class PackageSet:
    """Packages that together bring static emulators, and their entries for the boot where those are apart.

    ``{qemu}`` in a name stands for QEMU's name of each architecture asked for, ``{fedora}`` for Fedora's.
    """

    manager: str
    names: tuple[str, ...]
    where: str

    def expand(self, architectures: list[Architecture]) -> tuple[str, ...]:
        names: list[str] = []
        for name in self.names:
            each = [name.format(qemu=one.qemu, fedora=one.fedora or one.qemu) for one in architectures]
            names += each if "{" in name else [name]
        return tuple(dict.fromkeys(names))


# By package manager, in the order in which they are tried: the first set counts of which every name is offered, by a real
# package. (Debian 13 has a qemu-user-static that is transitional, Debian 14 and Ubuntu 25.10 a virtual one.)
PACKAGE_SETS = (
    # qemu-user is here too, but dynamic.
    PackageSet("apt-get", ("qemu-user-static",), "Debian 11 and 12, Ubuntu 20.04 to 25.04"),
    # On Ubuntu 26.04 two packages provide qemu-user-static: only the name qemu-user-binfmt is clear.
    PackageSet("apt-get", ("qemu-user", "qemu-user-binfmt"), "Debian 12's backports, 13, 14, Ubuntu 25.10 and 26.04"),
    PackageSet("dnf", ("qemu-user-static-{fedora}",), "Fedora 40 and newer"),
    PackageSet("dnf", ("qemu-user-static",), "Fedora before 40: one package"),
    PackageSet("zypper", ("qemu-linux-user",), "openSUSE, SUSE Linux Enterprise with PackageHub"),
    PackageSet("pacman", ("qemu-user-static", "qemu-user-static-binfmt"), "Arch Linux"),
    PackageSet("apk", ("qemu-{qemu}", "qemu-openrc"), "Alpine Linux"),
)
# Families, by the ID and ID_LIKE of os-release(5), that package no static emulators, nor does EPEL.
WITHOUT_PACKAGES = ("rhel", "centos")


def sets_of(manager: str) -> list[PackageSet]:
    return [one for one in PACKAGE_SETS if one.manager == manager]


def choose(
    manager: str, architectures: list[Architecture], offers: Callable[[str], list[str]], wanted: str
) -> dict[str, str] | None:
    """The packages to install, each with the version that is meant: the one taken first where ``wanted`` is empty.

    ``offers(name)`` are the versions that can be had, the one that would be taken first leading. None where no set is whole.
    """
    return next(_whole(manager, architectures, offers, wanted), None)


def installed_sets(
    manager: str, architectures: list[Architecture], installed: dict[str, str], wanted: str
) -> list[dict[str, str]]:
    """The sets that are installed as a whole, in a version that is meant: their packages with their versions."""
    return list(_whole(manager, architectures, lambda name: [installed[name]] if name in installed else [], wanted))


def _whole(
    manager: str, architectures: list[Architecture], offers: Callable[[str], list[str]], wanted: str
) -> Iterator[dict[str, str]]:
    for one in sets_of(manager):
        versions = {name: _first(offers(name), wanted) for name in one.expand(architectures)}
        if versions and all(versions.values()):
            yield versions


def _first(versions: list[str], wanted: str) -> str:
    return next((version for version in versions if not wanted or matches(version, wanted)), "")
