# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian packages of any architecture, fetched and checked by apt, past what it knows of this host."""

from __future__ import annotations

import glob
import os
from typing import Iterable

from ._command import require, run, tail
from ._errors import CrossbuildError
from ._package_manager import os_release

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class PackageArchive:
    """The packages of one architecture, by apt with lists, a cache and a package database of its own in ``scratch``.

    They come from this host's package sources, or from ``sources``, lines as in sources.list(5). The lists are fresh.
    ``problem`` is what apt complained about when it fetched them: one source of several may be out of step for an
    architecture, and the package may well be in another.
    """

    def __init__(self, scratch: str, architecture: str, sources: Iterable[str] | None = None) -> None:
        self.directory = os.path.join(scratch, f"apt-{architecture}")
        self.architecture = architecture
        for name in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.directory, name))
        self._options = [
            f"-oDir::State::Lists={self.directory}/lists",
            f"-oDir::Cache={self.directory}/cache",
            "-oDir::State::status=/dev/null",
            f"-oAPT::Architecture={architecture}",
            f"-oAPT::Architectures={architecture}",
            "-oAcquire::Languages=none",
            "-oAPT::Sandbox::User=root",
        ]
        if sources is not None:
            path = os.path.join(self.directory, "sources.list")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in sources)
            self._options += [f"-oDir::Etc::sourcelist={path}", "-oDir::Etc::sourceparts=/dev/null"]
            # A host that takes one package of another release keeps all others away by these.
            self._options += ["-oDir::Etc::preferences=/dev/null", "-oDir::Etc::preferencesparts=/dev/null"]
        done = run(["apt-get", *self._options, "-q", "update"])
        self.problem = tail(done.stderr) if done.returncode != 0 else ""

    def candidates(self, names: Iterable[str]) -> dict[str, str]:
        """The version that each package would come in; without those that are not to be had."""
        versions: dict[str, str] = {}
        package = ""
        for line in require(["apt-cache", *self._options, "policy", *names]).splitlines():
            if not line.startswith(" "):
                package = line.rstrip(":")
            elif line.strip().startswith("Candidate:"):
                versions[package] = line.split()[1]
        return {name: version for name, version in versions.items() if version != "(none)"}

    def download(self, names: list[str]) -> list[str]:
        """The files of these packages, and of no others."""
        # apt downloads into the working directory.
        return self._found(
            names, self.directory, ["env", "-C", self.directory, "apt-get", *self._options, "-q", "download"]
        )

    def download_all(self, names: list[str]) -> list[str]:
        """The files of these packages and of all that they depend on."""
        install = ["apt-get", *self._options, "-qy", "--no-install-recommends", "--download-only", "install"]
        return self._found(names, f"{self.directory}/cache/archives", install)

    def _found(self, names: list[str], directory: str, command: list[str]) -> list[str]:
        done = run([*command, *names])
        found = sorted(glob.glob(f"{directory}/*.deb"))
        if done.returncode != 0 or not found:
            raise self.unavailable(", ".join(names), tail(done.stderr))
        return found

    def unavailable(self, name: str, said: str = "") -> CrossbuildError:
        return CrossbuildError(
            f"The package sources of this host gave no {name} for {self.architecture}. Check the name, and that the"
            " archive they point to carries that architecture."
            f" apt said: {chr(10).join(filter(None, (self.problem, said))) or 'nothing'}"
        )


def sources_of(release: str) -> list[str]:
    """Package sources for a release of Debian, by its code name: those of this host's own, with the other's name in place.

    Raises CrossbuildError where this host is no Debian, or its package sources do not name its release's archive.
    """
    # The code name is in the lists, the release in the sources, where it may be as "stable".
    fields = "$(COMPONENT) $(REPO_URI) $(CODENAME)"
    listing = require(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    system = os_release()
    own = system.get("VERSION_CODENAME", "")
    found: dict[str, None] = {}
    for component, uri, suite in (line.split() for line in listing.splitlines()):
        # bookworm, bookworm-updates, bookworm-security
        if component == "main" and suite.split("-")[0] == own:
            found[f"deb [signed-by={KEYRING}] {uri} {release}{suite[len(own) :]} main"] = None
    if system.get("ID") != "debian" or not found or not os.path.exists(KEYRING):
        raise CrossbuildError(
            f"Packages of Debian's {release} are found by this host's own package sources, and this is"
            f" {system.get('PRETTY_NAME', 'an unknown system')}{'' if found else ', whose sources name no archive of its release'}."
            " Use a host with Debian."
        )
    return list(found)
