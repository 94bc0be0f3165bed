# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apt and dpkg: Debian, Ubuntu and their kin."""

from __future__ import annotations

import re
from typing import Iterable, Mapping

from ._command import require, run, tail
from ._errors import CrossbuildError
from ._file_locks import holders
from ._package_tool import PackageManager, advice

_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l", "NEEDRESTART_SUSPEND": "1"}
# What apt-get says when its lists are missing or older than the archive.
_STALE_LISTS = ("Unable to locate package", "has no installation candidate", "Failed to fetch", "Unable to fetch")
_INTERRUPTED = "dpkg was interrupted"
# What dpkg says of a package that it was killed with before all of it was unpacked: it must be brought once more, or go.
_MUST_COME_AGAIN = "reinstall it before attempting configuration"
# What dpkg(1) calls a package of which nothing is left to do.
_FINISHED = ("installed", "config-files", "not-installed")
_LOCKED = ("Could not get lock", "Unable to acquire the dpkg frontend lock", "Unable to lock")
_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
# The priority of what is in the release asked for with -t: apt_preferences(5).
_TARGET_PRIORITY = 990


class Apt(PackageManager):
    """Debian, Ubuntu and their kin."""

    name = "apt-get"
    knows_releases = True

    def installed(self) -> dict[str, str]:
        """Versions by package name; a package of a foreign architecture is named ``name:arch``."""
        return {name: version for name, version, status in self._packages() if status == "installed"}

    def unfinished(self) -> set[str]:
        return {name for name, _version, status in self._packages() if status not in _FINISHED}

    def _must_come_again(self) -> set[str]:
        listing = require(["dpkg-query", "-W", "-f", "${binary:Package}\t${db:Status-Eflag}\n"])
        rows = (line.split("\t") for line in listing.splitlines())
        return {name for name, flag in rows if flag == "reinstreq"}

    def _packages(self) -> list[tuple[str, str, str]]:
        listing = require(["dpkg-query", "-W", "-f", "${binary:Package}\t${Version}\t${db:Status-Status}\n"])
        rows = (line.split("\t") for line in listing.splitlines())
        native = ":" + self.architecture()
        return [(_without(name, native), version, status) for name, version, status in rows]

    def architecture(self) -> str:
        return require(["dpkg", "--print-architecture"]).strip()

    def offers(self, name: str, release: str = "") -> list[str]:
        done = run(["apt-cache", "policy", *_target(release), name])
        if done.returncode != 0:
            raise CrossbuildError(_policy_problem(release, tail(done.stderr)))
        candidate, table = parse_policy(done.stdout)
        if candidate is None:
            return []
        real = _real_versions(require(["apt-cache", "show", "-a", name]))
        priority = _TARGET_PRIORITY if release else min(table.values())
        offered = [version for version in table if version in real and table[version] >= priority]
        return sorted(offered, key=lambda version: version != candidate)

    def update(self) -> None:
        self._require(["apt-get", "update", *self._options()], _ENVIRONMENT, "update the package lists")

    def install(self, names: Iterable[str], versions: Mapping[str, str] | None = None, release: str = "") -> None:
        """Installs packages and what they depend on, without what they merely recommend.

        The package lists are updated only where they turn out too old. Raises CrossbuildError with apt's own words.
        """
        pinned = versions or {}
        names = list(names)
        wanted = [f"{name}={pinned[name]}" if name in pinned else name for name in names]
        command = ["apt-get", "install", *self._options(), "--no-install-recommends", *_target(release)]
        command += [*(["--allow-downgrades"] if pinned else []), *wanted]
        done = self._run(command, _ENVIRONMENT)
        if done.returncode != 0 and any(sign in done.stderr for sign in (_INTERRUPTED, _MUST_COME_AGAIN)):
            self.repair()
            again = self._must_come_again()
            command += [*(["--reinstall"] if again else []), *sorted(again - set(names))]
            done = self._run(command, _ENVIRONMENT)
        if done.returncode != 0 and any(sign in done.stderr for sign in _STALE_LISTS):
            self.update()
            done = self._run(command, _ENVIRONMENT)
        if done.returncode != 0:
            raise CrossbuildError(
                f"apt-get could not install {', '.join(wanted)}: {tail(done.stderr)}\n{advice(done.stderr)}"
            )

    def repair(self) -> None:
        """Configures the packages that an interrupted dpkg left unpacked, and lets apt-get work again.

        One that must come again is left to whoever installs or removes it next.
        """
        done = self._run(["dpkg", "--configure", "-a"], _ENVIRONMENT)
        if done.returncode != 0 and _MUST_COME_AGAIN not in done.stderr:
            raise CrossbuildError(
                f"dpkg --configure -a could not finish what an interrupted dpkg left: {tail(done.stderr)}\n{advice(done.stderr)}"
            )

    def _options(self) -> list[str]:
        """Another run of apt or dpkg on the host is waited for, not tripped over."""
        return ["-y", "-q", f"-oDPkg::Lock::Timeout={self.lock_timeout}", "-oDpkg::Use-Pty=0"]

    def _dependents(self, names: set[str]) -> set[str]:
        simulated = self._require(["apt-get", "purge", "-s", *self._options(), *sorted(names)], _ENVIRONMENT)
        rows = [line.split() for line in simulated.splitlines()]
        return {row[1] for row in rows if row and row[0] in ("Remv", "Purg")} - names

    def _purge(self, names: list[str]) -> None:
        # One that an interrupted dpkg left half installed would have to be installed once more otherwise.
        options = [*self._options(), "-oDPkg::Options::=--force-remove-reinstreq"]
        self._require(["apt-get", "purge", *options, *names], _ENVIRONMENT, f"remove {', '.join(names)}")

    def _lock_holders(self, said: str) -> list[str] | None:
        return holders(_LOCKS) if any(sign in said for sign in _LOCKED) else None


def parse_policy(policy: str) -> tuple[str | None, dict[str, int]]:
    """The candidate and all versions with their priority, out of what ``apt-cache policy NAME`` says."""
    candidate = re.search(r"(?m)^  Candidate: (\S+)$", policy)
    rows = re.findall(r"(?m)^ (?:\*\*\*|   ) (\S+) (-?\d+)$", policy)
    table = {version: int(priority) for version, priority in rows}
    return (candidate.group(1) if candidate and candidate.group(1) in table else None), table


def _real_versions(records: str) -> set[str]:
    """The versions that bring something: Debian says "transitional" of those that stand for a successor."""
    found = set()
    for record in records.split("\n\n"):
        version = re.search(r"(?m)^Version: (\S+)$", record)
        description = re.search(r"(?m)^Description(?:-\S+)?: (.*)$", record)
        if version and not (description and "transitional" in description.group(1)):
            found.add(version.group(1))
    return found


def _policy_problem(release: str, said: str) -> str:
    if release and "is not available in the sources" in said:
        return (
            f"The package sources of this host know no release {release!r}. Add it to them, for Debian's backports for example"
            " as a file in /etc/apt/sources.list.d, or name one that they have. Adding sources is not this module's job."
        )
    return f"apt-cache could not say what is available: {said}"


def _target(release: str) -> list[str]:
    return ["-t", release] if release else []


def _without(text: str, suffix: str) -> str:
    return text[: -len(suffix)] if text.endswith(suffix) else text
