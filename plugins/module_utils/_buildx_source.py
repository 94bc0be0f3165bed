# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing buildx to a host whose distribution has none, and taking it away again."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import tempfile
from typing import Any

from . import _buildx_plugin
from ._added_packages import AddedPackages
from ._atomic import write_file
from ._command import require
from ._converge import Plan, Step
from ._download import open_verified, parse_checksum
from ._errors import CrossbuildError
from ._package_archive import KEYRING
from ._package_manager import os_release, require_apt
from ._receipt import Receipt

_PACKAGE = "docker-buildx"
_PLUGIN = "/usr/local/lib/docker/cli-plugins/docker-buildx"
_SOURCES = "/etc/apt/sources.list.d/trusted-crossbuild-docker-buildx.sources"
_PREFERENCES = "/etc/apt/preferences.d/trusted-crossbuild-docker-buildx"
# In the receipt: the files written, with their SHA-256.
_FILES = "files"


class BuildxSource:
    """Where buildx is to come from: the distribution, with ``release`` another release of it, or with ``file`` a file."""

    def __init__(self, release: str | None, file: str | None, checksum: str | None) -> None:
        self.release = release
        self.file = file
        self.digest = parse_checksum(checksum) if checksum else ""
        self.receipt = Receipt("docker_engine_buildx")
        self.added = AddedPackages(self.receipt)

    def plan_present(self, plan: Plan) -> None:
        """buildx is there, and new enough; with ``file`` that very one."""
        plugin = _buildx_plugin.find()
        done = self._plan_file(plan) if self.file else self._plan_package(plan, plugin)
        version = plugin.version if plugin else "none"
        plan.before.append(f"buildx: {version}")
        plan.after.append(f"buildx: {version if done else 'installed'}")
        plan.result["buildx"] = plugin.version if plugin else None

    def _plan_file(self, plan: Plan) -> bool:
        found = _digest(_PLUGIN)
        if found == self.digest:
            return True
        if found and found != self._files().get(_PLUGIN):
            raise CrossbuildError(
                f"{_PLUGIN} is there already, was not put there by this module, and is not the file asked for. Remove it, or leave"
                " it in charge of buildx."
            )
        plan.steps.append(Step(f"install buildx from {self.file}", self._install_file))
        return False

    def _plan_package(self, plan: Plan, plugin: _buildx_plugin.Plugin | None) -> bool:
        files = self._apt_files() if self.release and (plugin is None or _SOURCES in self._files()) else {}
        for path, text in files.items():
            if _digest(path) != hashlib.sha256(text.encode()).hexdigest():
                words = f"let apt take {_PACKAGE}, and nothing else, from {self.release}: write {path}"
                plan.steps.append(Step(words, functools.partial(self._write, path, text)))
        if plugin is None:
            plan.steps.append(Step(f"install {_PACKAGE}", self._install_package))
        elif not plugin.usable:
            raise CrossbuildError(
                f"{plugin.path} is buildx {plugin.version}; {_buildx_plugin.OLDEST} or newer is needed. Upgrade or remove it, or"
                " name another with buildx_file."
            )
        return plugin is not None

    def _apt_files(self) -> dict[str, str]:
        """What makes apt take the package from the other release and nothing else. The preferences come first."""
        if not re.fullmatch("[a-z]+", str(self.release)):
            raise CrossbuildError(
                f"buildx_release is {self.release!r}; expected the code name of a release, such as trixie."
            )
        os_name, archive = os_release(), _archive()
        if os_name.get("ID") != "debian" or not archive or not os.path.exists(KEYRING):
            raise CrossbuildError(
                f"buildx_release is for Debian, and this host is {os_name.get('PRETTY_NAME', 'unknown')}"
                f"{'' if archive else ', whose package sources name no archive of its own release'}."
                f" Leave it out where the distribution has {_PACKAGE}, or give buildx_file."
            )
        why = f"Explanation: From {self.release} only {_PACKAGE}. Remove this to upgrade the host to {self.release}.\n"
        others = f"{why}Package: *\nPin: release n={self.release}\nPin-Priority: -1\n"
        one = f"Package: {_PACKAGE}\nPin: release n={self.release}\nPin-Priority: 500\n"
        return {
            _PREFERENCES: f"{others}\n{one}",
            _SOURCES: f"Types: deb\nURIs: {archive}\nSuites: {self.release}\nComponents: main\nSigned-By: {KEYRING}\n",
        }

    def _write(self, path: str, text: str) -> None:
        self._record(path, hashlib.sha256(text.encode()).hexdigest())
        write_file(path, text)

    def _install_package(self) -> None:
        manager = require_apt()
        if self.release or not manager.available(_PACKAGE):
            manager.update()
        if not manager.available(_PACKAGE):
            raise CrossbuildError(
                f"The package sources of this host have no {_PACKAGE}. Take that one package from a later release with"
                " buildx_release (for Debian 12: trixie), or give a file with buildx_file."
            )
        self.added.install(manager, [_PACKAGE])

    def _install_file(self) -> None:
        os.makedirs(os.path.dirname(_PLUGIN), exist_ok=True)
        self._record(_PLUGIN, self.digest)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=os.path.dirname(_PLUGIN)) as scratch:
            target = os.path.join(scratch, "docker-buildx")
            with open_verified(str(self.file), self.digest, scratch) as content, open(target, "wb") as file:
                shutil.copyfileobj(content, file)
                os.fchmod(file.fileno(), 0o755)
                file.flush()
                os.fsync(file.fileno())
            os.rename(target, _PLUGIN)

    def plan_absent(self, plan: Plan) -> None:
        """What this module brought of buildx is gone; what somebody changed since stays."""
        packages, files = self.added.names(), self._files()
        plan.before += [f"package: {name}" for name in packages] + [f"file: {path}" for path in files]
        if self.receipt.load():
            plan.steps.append(Step(f"remove {', '.join([*packages, *files])}", self._remove))

    def _remove(self) -> None:
        if self.added.names():
            self.added.remove(require_apt())
        for path, digest in self._files().items():
            if _digest(path) == digest:
                os.unlink(path)
        directory = os.path.dirname(_PLUGIN)
        with contextlib.suppress(OSError):  # others have plugins there, too
            os.rmdir(directory)
            os.rmdir(os.path.dirname(directory))
        self.receipt.save({})

    def _files(self) -> dict[str, str]:
        return dict(self.receipt.load().get(_FILES, {}))

    def _record(self, path: str, digest: str) -> None:
        record: dict[str, Any] = self.receipt.load()
        self.receipt.save({**record, _FILES: {**record.get(_FILES, {}), path: digest}})


def _digest(path: str) -> str:
    """The SHA-256 of a file; empty where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except FileNotFoundError:
        return ""


def _archive() -> str:
    """The archive that the packages of this host's own release come from, as apt knows it."""
    # The code name is in the lists, the release in the sources, where it may be as "stable".
    fields = "$(COMPONENT) $(REPO_URI) $(CODENAME) $(RELEASE)"
    listing = require(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    own = os_release().get("VERSION_CODENAME")
    rows = [line.split() for line in listing.splitlines()]
    return next((row[1] for row in rows if row[0] == "main" and own in row[2:]), "")
