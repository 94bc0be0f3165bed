# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emulators in versioned directories, of which a link names the one in use: /opt/trusted.crossbuild/qemu.

Beside each version's emulators lies a stamp that says where they came from. The version that was in use when the newest one
came stays, to go back to; others go.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from typing import Iterator

from ._atomic import sync, write_file
from ._emulators import CURRENT

_ROOT, _LINK = os.path.split(CURRENT)
_STAMP = ".trusted.crossbuild.json"
_UNFINISHED = ".new-"


@dataclass(frozen=True)
class StoredVersion:
    """One version's directory: ``number`` counts installations, ``follows`` names what was in use before it."""

    name: str
    digest: str
    version: str
    source: str
    number: int = 0
    follows: str = ""


class EmulatorStore:
    """The directories below ``root``, which is there only while something is in it."""

    def __init__(self, root: str = _ROOT) -> None:
        self.root = root

    def versions(self) -> list[StoredVersion]:
        """What is there as a whole, the newest last."""
        found = []
        for name in os.listdir(self.root) if os.path.isdir(self.root) else []:
            stamp = os.path.join(self.root, name, _STAMP)
            if not name.startswith(".") and name != _LINK and os.path.exists(stamp):
                with open(stamp, encoding="utf-8") as file:
                    found.append(StoredVersion(**json.load(file)))
        return sorted(found, key=lambda version: version.number)

    def current(self) -> StoredVersion | None:
        link = os.path.join(self.root, _LINK)
        name = os.readlink(link) if os.path.islink(link) else ""
        return next((version for version in self.versions() if version.name == name), None)

    def previous(self) -> StoredVersion | None:
        """The version that was in use before the newest one came."""
        versions = self.versions()
        return next((version for version in versions if version.name == versions[-1].follows), None)

    def path(self, version: StoredVersion) -> str:
        return os.path.join(self.root, version.name)

    def leftovers(self) -> list[str]:
        """What an interrupted run left, and versions that nobody can go back to any more."""
        versions, current = self.versions(), self.current()
        kept = {version.name for version in (*versions[-1:], self.previous(), current) if version}
        names = os.listdir(self.root) if os.path.isdir(self.root) else []
        return sorted(set(names) - kept - ({_LINK} if current else set()))

    def clean(self) -> None:
        for name in self.leftovers():
            path = os.path.join(self.root, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    @contextlib.contextmanager
    def unfinished(self) -> Iterator[str]:
        """A directory to make a version in; gone afterwards, with what was not adopted."""
        directory = tempfile.mkdtemp(dir=self.root, prefix=_UNFINISHED)
        try:
            yield directory
        finally:
            shutil.rmtree(directory)

    def adopt(self, directory: str, version: StoredVersion) -> StoredVersion:
        """Makes a directory, complete and on disk, one of the versions. It is not in use by that."""
        versions, current = self.versions(), self.current()
        number = versions[-1].number + 1 if versions else 1
        again = next((one for one in versions if one.name == version.name), None)
        stamped = replace(version, number=number, follows=current.name if current else "")
        if again:
            # Its files were damaged: it takes the place it had.
            stamped = replace(version, number=again.number, follows=again.follows)
            os.rename(self.path(again), tempfile.mkdtemp(dir=self.root, prefix=_UNFINISHED))
        write_file(os.path.join(directory, _STAMP), json.dumps(asdict(stamped), indent=1) + "\n")
        os.chmod(directory, 0o755)
        now = time.time_ns()
        for name in os.listdir(directory):
            # One time for all says that they are of one build.
            os.utime(os.path.join(directory, name), ns=(now, now))
        sync(directory)
        os.rename(directory, self.path(stamped))
        sync(self.root)
        return stamped

    def switch(self, version: StoredVersion) -> None:
        """Puts a version in use, by renaming a link over the old one, and removes what nobody can go back to."""
        for entry in os.scandir(self.path(version)):
            # A change of the inode tells whoever registered the path that another file is behind it now.
            os.chmod(entry.path, entry.stat().st_mode & 0o7777)
        temporary = os.path.join(self.root, f".{_LINK}-{os.getpid()}")
        os.symlink(version.name, temporary)
        os.rename(temporary, os.path.join(self.root, _LINK))
        sync(self.root)
        self.clean()

    def remove(self) -> None:
        """All of it, the link first, so that nothing half removed is in use."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.root, _LINK))
        for name in os.listdir(self.root):
            path = os.path.join(self.root, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)

    def exists(self) -> bool:
        return os.path.isdir(self.root) and bool(os.listdir(self.root))
