# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's package manager, here apt."""

from __future__ import annotations

import os
import shutil
from typing import Iterable

from ._command import require, run, tail
from ._errors import CrossbuildError

_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l", "NEEDRESTART_SUSPEND": "1"}
# Another run of apt or dpkg on the host is waited for, not tripped over.
_OPTIONS = ("-y", "-q", "-oDPkg::Lock::Timeout=300", "-oDpkg::Use-Pty=0")
# What apt-get says when its lists are missing or older than the archive.
_STALE_LISTS = ("Unable to locate package", "has no installation candidate", "Failed to fetch", "Unable to fetch")


class Apt:
    """Debian, Ubuntu and their kin."""

    def installed(self) -> dict[str, str]:
        """Versions by package name; a package of a foreign architecture is named ``name:arch``."""
        listing = require(["dpkg-query", "-W", "-f", "${binary:Package}\t${Version}\t${db:Status-Status}\n"])
        rows = (line.split("\t") for line in listing.splitlines())
        native = ":" + self.architecture()
        return {_without(name, native): version for name, version, status in rows if status == "installed"}

    def architecture(self) -> str:
        return require(["dpkg", "--print-architecture"]).strip()

    def available(self, name: str) -> bool:
        """Whether a real package of this name can be installed; purely virtual names do not count."""
        policy = require(["apt-cache", "policy", name])
        return "Candidate:" in policy and "Candidate: (none)" not in policy

    def install(self, names: Iterable[str]) -> None:
        """Installs packages and what they depend on, without what they merely recommend.

        Raises CrossbuildError with apt's own words. The package lists are updated only where they turn out too old.
        """
        command = ["apt-get", "install", *_OPTIONS, "--no-install-recommends", *names]
        done = run(command, _ENVIRONMENT)
        if done.returncode != 0 and any(sign in done.stderr for sign in _STALE_LISTS):
            self.update()
            done = run(command, _ENVIRONMENT)
        if done.returncode != 0:
            raise CrossbuildError(
                f"apt-get could not install {', '.join(names)}: {tail(done.stderr)}\n"
                "Nothing else was changed. Look at the host's package sources and network, then run this again."
            )

    def update(self) -> None:
        """Brings the package lists up to date."""
        require(["apt-get", "update", *_OPTIONS], _ENVIRONMENT)

    def remove(self, names: Iterable[str]) -> list[str]:
        """Purges packages, and returns those it kept because something that is not among them needs them."""
        going = set(names)
        kept: set[str] = set()
        if self._removals(going) - going:
            kept = {name for name in going if self._removals({name}) - going}
        if going - kept:
            require(["apt-get", "purge", *_OPTIONS, *sorted(going - kept)], _ENVIRONMENT)
        return sorted(kept)

    def _removals(self, names: set[str]) -> set[str]:
        simulated = require(["apt-get", "purge", "-s", *_OPTIONS, *sorted(names)], _ENVIRONMENT)
        rows = [line.split() for line in simulated.splitlines()]
        return {row[1] for row in rows if row and row[0] in ("Remv", "Purg")}


def detect() -> Apt:
    """The package manager of this host. Raises CrossbuildError where there is none that is known here."""
    if os.path.isdir("/var/lib/dpkg") and shutil.which("apt-get"):
        return Apt()
    raise CrossbuildError(
        "This host has no package manager that is known here: looked for apt-get. Install the packages by other means;"
        " what is there already is found and used."
    )


def os_release() -> dict[str, str]:
    """The fields of os-release(5), without their quotes."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                pairs = (line.strip().partition("=") for line in file if "=" in line)
                return {key: value.strip("\"'") for key, _equals, value in pairs}
    return {}


def _without(text: str, suffix: str) -> str:
    return text[: -len(suffix)] if text.endswith(suffix) else text
