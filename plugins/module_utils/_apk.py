# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apk: Alpine Linux. Written by apk(8) and apk-world(5); not yet seen at work."""

from __future__ import annotations

import re
from typing import Iterable, Mapping

from ._command import require, run
from ._file_locks import holders
from ._package_tool import PackageManager

_LOCK = "/lib/apk/db/lock"


class Apk(PackageManager):
    """A version that is asked for stays in apk's ``world`` as what the package is held at."""

    name = "apk"

    def installed(self) -> dict[str, str]:
        return dict(split_name(line) for line in require(["apk", "info", "-v"]).split())

    def offers(self, name: str, release: str = "") -> list[str]:
        return parse_policy(run(["apk", "policy", name]).stdout)

    def update(self) -> None:
        self._require(["apk", "update", *self._options()], what="update the package lists")

    def install(self, names: Iterable[str], versions: Mapping[str, str] | None = None, release: str = "") -> None:
        pinned = versions or {}
        wanted = [f"{name}={pinned[name]}" if name in pinned else name for name in names]
        self._require(["apk", "add", *self._options(), *wanted], what=f"install {', '.join(wanted)}")

    def _options(self) -> list[str]:
        return ["--quiet", "--no-interactive", "--wait", str(self.lock_timeout)]

    def _dependents(self, names: set[str]) -> set[str]:
        said = require(["apk", "info", "--quiet", "--rdepends", *sorted(names)])
        return {split_name(package)[0] for package in said.split()} - names

    def _purge(self, names: list[str]) -> None:
        self._require(["apk", "del", "--purge", *self._options(), *names], what=f"remove {', '.join(names)}")

    def _lock_holders(self, said: str) -> list[str] | None:
        return holders([_LOCK]) if "Unable to lock database" in said else None


def split_name(package: str) -> tuple[str, str]:
    """Name and version out of ``qemu-openrc-10.0.3-r1``; a name alone has no version."""
    found = re.fullmatch(r"(.+)-(\d[^-]*-r\d+)", package)
    return (found.group(1), found.group(2)) if found else (package, "")


def parse_policy(policy: str) -> list[str]:
    """The versions that a repository has, out of what ``apk policy NAME`` says; it tells the oldest first."""
    version, found = "", []
    for line in policy.splitlines()[1:]:
        if re.fullmatch(r"  \S+:", line):
            version = line.strip().rstrip(":")
        elif line.strip() != "lib/apk/db/installed" and version not in found:
            found.append(version)
    return found[::-1]
