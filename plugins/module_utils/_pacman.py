# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pacman: Arch Linux and its kin."""

from __future__ import annotations

import os
import re
from typing import Iterable, Mapping

from ._command import require, run
from ._errors import CrossbuildError
from ._file_locks import command_line
from ._package_tool import PackageManager


class Pacman(PackageManager):
    """A repository holds one version of each package, so that no other one can be asked for."""

    name = "pacman"

    def installed(self) -> dict[str, str]:
        return dict(line.split()[:2] for line in run(["pacman", "-Q"]).stdout.splitlines())

    def offers(self, name: str, release: str = "") -> list[str]:
        return re.findall(r"(?m)^Version *: (\S+)$", run(["pacman", "-Si", name]).stdout)

    def update(self) -> None:
        self._require(["pacman", "-Sy", "--noconfirm"], what="update the package lists")

    def install(self, names: Iterable[str], versions: Mapping[str, str] | None = None, release: str = "") -> None:
        wanted = list(names)
        for name, version in (versions or {}).items():
            if version not in self.offers(name):
                raise CrossbuildError(f"pacman's repositories hold {name} {self.offers(name)}, and not {version}.")
        self._require(["pacman", "-S", "--noconfirm", *wanted], what=f"install {', '.join(wanted)}")

    def _dependents(self, names: set[str]) -> set[str]:
        shown = require(["pacman", "-Qi", *sorted(names)])
        found = re.findall(r"(?m)^Required By *: (.*(?:\n +.*)*)", shown)
        return {name for words in found for name in words.split() if words.strip() != "None"} - names

    def _purge(self, names: list[str]) -> None:
        self._require(["pacman", "-R", "--noconfirm", "--nosave", *names], what=f"remove {', '.join(names)}")

    def _lock_holders(self, said: str) -> list[str] | None:
        """Its lock is that a file is there, which says nothing of who made it."""
        if "unable to lock database" not in said:
            return None
        pids = [pid for pid in os.listdir("/proc") if pid.isdigit()]
        commands = {pid: command_line(pid) for pid in pids}
        running = [f"process {pid} ({words})" for pid, words in commands.items() if re.match(r"(\S*/)?pacman\b", words)]
        return running or ["no pacman that runs: the file db.lck in its database is left over, remove it"]
