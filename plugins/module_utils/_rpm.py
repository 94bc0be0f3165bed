# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dnf and zypper, both on top of rpm: Fedora, RHEL and its rebuilds, openSUSE, SLE."""

from __future__ import annotations

import re
from typing import Iterable, Mapping
from xml.etree import ElementTree

from ._command import require, run
from ._errors import CrossbuildError
from ._file_locks import command_line
from ._package_tool import PackageManager

_SUCCESS, _NOTHING_FOUND = 0, 104  # of zypper search


class Rpm(PackageManager):
    """What does not depend on the manager above rpm."""

    def installed(self) -> dict[str, str]:
        listing = require(["rpm", "-qa", "--qf", "%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n"])
        return {name: _without_zero(version) for name, version in (line.split("\t") for line in listing.splitlines())}

    def _dependents(self, names: set[str]) -> set[str]:
        said = run(["rpm", "-e", "--test", *sorted(names)]).stderr
        needing = re.findall(r"is needed by \(installed\) (\S+)", said)
        # Name, version and release, and on some systems the architecture; a name may hold hyphens itself.
        return {re.sub(r"-[^-]+-[^-]+$", "", package) for package in needing} - names


# By itself dnf waits for another one without an end.
_DNF = ("dnf", "-q", "-y", "--setopt=exit_on_lock=True")


class Dnf(Rpm):
    """Fedora, RHEL, Rocky Linux, AlmaLinux, CentOS Stream. Works with dnf 4; of dnf 5 the same words are known."""

    name = "dnf"

    def offers(self, name: str, release: str = "") -> list[str]:
        """Asks the repositories; dnf fetches their lists anew when they have expired."""
        query = [*_DNF, "repoquery", "--showduplicates", "--qf", "%{epoch}:%{version}-%{release}\n"]
        listing = self._require([*query, name], what=f"say which {name} there is")
        return [_without_zero(line) for line in reversed(listing.split())]

    def update(self) -> None:
        self._require([*_DNF, "makecache"], what="update the package lists")

    def install(self, names: Iterable[str], versions: Mapping[str, str] | None = None, release: str = "") -> None:
        pinned = versions or {}
        wanted = [f"{name}-{pinned[name]}" if name in pinned else name for name in names]
        command = [*_DNF, "--setopt=install_weak_deps=False", "install"]
        self._require([*command, *wanted], what=f"install {', '.join(wanted)}")

    def _purge(self, names: list[str]) -> None:
        command = [*_DNF, "remove", "--noautoremove", *names]
        self._require(command, what=f"remove {', '.join(names)}")

    def _lock_holders(self, said: str) -> list[str] | None:
        pids = re.findall(r"already locked by (\d+)", said)
        return [f"process {pid} ({command_line(pid)})" for pid in pids] or None


class Zypper(Rpm):
    """openSUSE and SUSE Linux Enterprise."""

    name = "zypper"

    def offers(self, name: str, release: str = "") -> list[str]:
        done = self._run(["zypper", "-n", "-q", "--xmlout", "search", "-s", "--match-exact", "-t", "package", name])
        if done.returncode not in (_SUCCESS, _NOTHING_FOUND):
            raise CrossbuildError(
                f"zypper could not say which {name} there is: {done.stdout.strip() or done.stderr.strip()}"
            )
        return parse_solvables(done.stdout, name)

    def update(self) -> None:
        self._require(["zypper", "-n", "-q", "refresh"], what="update the package lists")

    def install(self, names: Iterable[str], versions: Mapping[str, str] | None = None, release: str = "") -> None:
        pinned = versions or {}
        wanted = [f"{name}={pinned[name]}" if name in pinned else name for name in names]
        command = ["zypper", "-n", "-q", "install", "--no-recommends", *(["--oldpackage"] if pinned else []), *wanted]
        self._require(command, what=f"install {', '.join(wanted)}")

    def _purge(self, names: list[str]) -> None:
        self._require(["zypper", "-n", "-q", "remove", *names], what=f"remove {', '.join(names)}")

    def _lock_holders(self, said: str) -> list[str] | None:
        if "System management is locked" not in said:
            return None
        return [f"process {pid} ({command_line(pid)})" for pid in re.findall(r"pid (\d+)", said)]


def parse_solvables(xml: str, name: str) -> list[str]:
    """The versions in what ``zypper --xmlout search`` says that a repository has, as it orders them: the newest first."""
    solvables = ElementTree.fromstring(xml).iter("solvable") if xml.strip() else []
    found = [item for item in solvables if item.get("name") == name and item.get("kind") == "package"]
    # What is installed and in no repository any more is told as of "(System Packages)".
    offered = [item.get("edition", "") for item in found if not item.get("repository", "").startswith("(")]
    return list(dict.fromkeys(offered))


def _without_zero(version: str) -> str:
    return version[2:] if version.startswith("0:") else version
