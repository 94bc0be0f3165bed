# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's packages: installed in the laboratory, and put together to root filesystems of other machines."""

from __future__ import annotations

import platform
from collections.abc import Iterable

from shell import LabError, call

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Nobody reads documentation there; what a crash of the machine would do to them is nobody's concern either.
DPKG_OPTIONS = (
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "force-unsafe-io",
)


def install(packages: Iterable[str]) -> None:
    call("apt-get", "-qq", "update")
    call("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "install", "--no-install-recommends", *packages)


def mmdebstrap(packages: Iterable[str], *more: str) -> tuple[str, ...]:
    """The command that puts a root filesystem together, but for what goes last: release, target and sources."""
    return (
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=apt",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt={option}" for option in DPKG_OPTIONS),
        '--aptopt=Acquire::Languages "none"',
        *more,
    )


def sources(*releases: str) -> list[str]:
    """Lines for apt, one for each release; of the main suite alone: the index of another may be out of step with it."""
    archive = package_archive()
    return [f"deb [signed-by={KEYRING}] {archive} {release} main" for release in releases]


def package_archive() -> str:
    """The archive that this machine takes its own packages from: it has the other releases as well."""
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    wanted = ["Created-By: Packages", f"Release: {codename}", "Component: main"]
    found = call("apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted).split()
    if not found:
        raise LabError(f"apt on this machine has no package source for {codename} main, from which others are made")
    return found[0]
