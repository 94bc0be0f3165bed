# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages of another architecture, fetched and checked by apt, unpacked without installing them."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from typing import Any

from ._atomic import write_file
from ._command import require
from ._converge import Plan, Step, converge
from ._errors import CrossbuildError
from ._package_archive import PackageArchive
from ._package_manager import require_apt
from ._platform import parse

# Says what was unpacked, and that the directory is this module's to replace and remove.
_STAMP = ".trusted.crossbuild.json"
# https://www.debian.org/doc/debian-policy/ch-controlfields.html#source; anything else could be an option of apt-get.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


class ForeignPackage:
    """One package of one architecture in one directory."""

    def __init__(self, name: str, platform: str, dest: str) -> None:
        if not _NAME.fullmatch(name):
            raise CrossbuildError(f"{name!r} is no name of a Debian package: small letters, digits and '+', '-', '.'.")
        self.name = name
        self.dest = os.path.abspath(dest)
        debian = parse(platform).debian
        if debian is None:
            raise CrossbuildError(
                f"Debian has no packages for {parse(platform)}. Those of armel (linux/arm/v5) run there."
            )
        self.architecture = debian

    def stamp(self) -> dict[str, Any] | None:
        """What is unpacked in the directory; None where there is none. Raises CrossbuildError for one that is not ours."""
        try:
            with open(os.path.join(self.dest, _STAMP), encoding="utf-8") as file:
                return dict(json.load(file))
        except PermissionError as exc:
            raise CrossbuildError(f"{self.dest} cannot be read: this needs root (become: true).") from exc
        except (FileNotFoundError, NotADirectoryError):
            if os.path.lexists(self.dest) and (not os.path.isdir(self.dest) or os.listdir(self.dest)):
                raise CrossbuildError(
                    f"{self.dest} is there and was not made by this module. Name a directory that may be replaced as a whole."
                ) from None
            return None

    def plan_present(self, latest: bool) -> Plan:
        stamp = self.stamp()
        same = stamp and (stamp["name"], stamp["architecture"]) == (self.name, self.architecture)
        version = stamp["version"] if stamp and same else None
        wanted = version
        if latest or not version:
            require_apt()  # says now, also in check mode, that this host cannot
            wanted = self._candidate() if latest and version else "newest"
        plan = Plan(
            before=[f"{self.dest}: {version or 'nothing'}"],
            after=[f"{self.dest}: {wanted}"],
            result={"version": version, "dest": self.dest},
        )
        if wanted != version:
            plan.steps.append(Step(f"unpack {self.name} ({self.architecture}) in {self.dest}", self._fetch))
        return plan

    def plan_absent(self) -> Plan:
        stamp = self.stamp() if os.path.lexists(self.dest) else None
        plan = Plan(result={"version": None, "dest": self.dest})
        if stamp:
            plan.before.append(f"{self.dest}: {stamp['version']}")
            plan.steps.append(Step(f"remove {self.dest}", lambda: self._remove(stamp.get("made", []))))
        return plan

    def _remove(self, made: list[str]) -> None:
        shutil.rmtree(self.dest)
        _remove_empty(made)

    def _candidate(self) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            archive = PackageArchive(scratch, self.architecture)
            version = archive.candidates([self.name]).get(self.name)
        if not version:
            raise archive.unavailable(self.name)
        return version

    def _fetch(self) -> None:
        parent = os.path.dirname(self.dest)
        made = _missing(parent)
        os.makedirs(parent, exist_ok=True)
        scratch = tempfile.mkdtemp(dir=parent, prefix=".fetch-")
        try:
            package = PackageArchive(scratch, self.architecture).download([self.name])[0]
            fresh = os.path.join(scratch, "files")
            require(["dpkg-deb", "--extract", package, fresh])
            version = require(["dpkg-deb", "--field", package, "Version"]).strip()
            content: dict[str, Any] = {"name": self.name, "architecture": self.architecture, "version": version}
            content["made"] = (self.stamp() or {}).get("made", made)
            write_file(os.path.join(fresh, _STAMP), json.dumps(content) + "\n")
            os.chmod(fresh, 0o755)
            if os.path.lexists(self.dest):
                os.rename(self.dest, os.path.join(scratch, "old"))
            os.rename(fresh, self.dest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            _remove_empty(made)


def _missing(directory: str) -> list[str]:
    """The directories that making this one would make, the innermost first."""
    return [] if os.path.lexists(directory) else [directory, *_missing(os.path.dirname(directory))]


def _remove_empty(directories: list[str]) -> None:
    for directory in directories:
        try:
            os.rmdir(directory)
        except OSError:
            return  # something is in it


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.foreign_package."""
    package = ForeignPackage(params["name"], params["platform"], params["dest"])
    if params["state"] == "absent":
        return converge(package.plan_absent, check_mode)
    return converge(lambda: package.plan_present(params["state"] == "latest"), check_mode)
