# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emulators from an archive or an image: checked, put beside the version in use, switched to, switched back."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import IO, Any, Callable

from . import _elf, _emulators
from ._architectures import ARCHITECTURES, Architecture
from ._converge import Plan, Step
from ._download import is_url, open_verified, parse_checksum
from ._emulator_archive import unpack
from ._emulator_store import EmulatorStore, StoredVersion
from ._errors import CrossbuildError
from ._platform import host

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Origin:
    """Where emulators are to come from: what it is called, its digest, and how to open it as a tar or Debian package."""

    name: str
    digest: str
    open: Callable[[str], IO[bytes]]


def archive_origin(archive: str, checksum: str) -> Origin:
    digest = parse_checksum(checksum)
    is_url(archive)
    return Origin(archive, digest, lambda directory: open_verified(archive, digest, directory))


def image_origin(image: str, connection: dict[str, Any]) -> Origin:
    # The Docker SDK is slow to import, and only needed here.
    from ._emulator_image import open_image, parse_digest

    return Origin(image, parse_digest(image), lambda directory: open_image(image, connection, directory))


class EmulatorVersions:
    """The emulators for some architectures, in the store."""

    def __init__(self, architectures: list[Architecture], store: EmulatorStore) -> None:
        self.architectures = architectures
        self.store = store

    def plan(self, plan: Plan, origin: Origin) -> None:
        """The version that came from this origin is in use."""
        current = self.store.current()
        known = next((version for version in self.store.versions() if version.digest == origin.digest), None)
        damage = self._damage(known) if known else []
        plan.before.append(f"current: {current.name if current else 'none'}")
        if known is None or damage:
            words = f"install the emulators of {origin.name}{f' again: {damage[0]}' if damage else ''}"
            plan.after.append(f"current: the version in {origin.name}")
            plan.steps.append(Step(words, lambda: self._install(origin)))
            if not is_url(origin.name) and os.path.isabs(origin.name) and not os.path.exists(origin.name):
                raise CrossbuildError(f"The archive {origin.name} is not on this host.")
            return
        plan.after.append(f"current: {known.name}")
        if current != known:
            plan.steps.append(Step(f"use {known.name}", lambda: self.store.switch(known)))
        self.plan_clean(plan)

    def plan_rolled_back(self, plan: Plan) -> None:
        """The version before the newest one is in use."""
        current, previous = self.store.current(), self.store.previous()
        if previous is None:
            have = ", ".join(version.name for version in self.store.versions()) or "none"
            raise CrossbuildError(
                f"There is no version of the emulators to go back to: in {self.store.root} there is {have}. One is kept"
                " whenever another is installed from an archive or an image."
            )
        plan.before.append(f"current: {current.name if current else 'none'}")
        plan.after.append(f"current: {previous.name}")
        if current != previous:
            plan.steps.append(Step(f"go back to {previous.name}", lambda: self.store.switch(previous)))
        self.plan_clean(plan)

    def plan_absent(self, plan: Plan) -> None:
        if self.store.exists():
            plan.before += [f"version: {version.name}" for version in self.store.versions()]
            plan.steps.append(Step(f"remove {self.store.root}", self.store.remove))

    def plan_clean(self, plan: Plan) -> None:
        leftovers = self.store.leftovers()
        if leftovers:
            words = f"remove what an interrupted run left in {self.store.root}: {', '.join(leftovers)}"
            plan.steps.append(Step(words, self.store.clean))

    def result(self) -> dict[str, Any]:
        current, previous = self.store.current(), self.store.previous()
        return {"current": current.name if current else None, "previous": previous.name if previous else None}

    def _damage(self, version: StoredVersion) -> list[str]:
        """Why a version that was installed once does not do any more, or does not hold what is asked for."""
        found = []
        for architecture in self.architectures:
            path = os.path.join(self.store.path(version), _file_name(architecture))
            try:
                _elf.describe(path)
            except CrossbuildError as exc:
                if not os.path.exists(path) and _holds(self.store.path(version)):
                    raise CrossbuildError(_missing([architecture], version.source, self.store.path(version))) from exc
                found.append(str(exc))
        return found

    def _install(self, origin: Origin) -> None:
        try:
            # What an earlier run left may be what fills the disk.
            self.store.clean()
            with self.store.unfinished() as scratch:
                version = self._make(origin, scratch)
        except OSError as exc:
            if exc.errno not in _FULL:
                raise
            raise CrossbuildError(
                f"No space is left below {self.store.root} for the emulators of {origin.name} ({exc.strerror}). Those in use are"
                " as they were. Make room for some hundreds of megabytes, and run this again."
            ) from exc
        self.store.switch(version)

    def _make(self, origin: Origin, scratch: str) -> StoredVersion:
        target = os.path.join(scratch, "emulators")
        os.mkdir(target)
        with origin.open(scratch) as content:
            held = unpack(content, origin.name, scratch, target)
        absent = [architecture for architecture in self.architectures if architecture.qemu not in held]
        if absent:
            raise CrossbuildError(_missing(absent, origin.name, target))
        versions = {
            check(os.path.join(target, _file_name(one)), one, origin.name) for one in ARCHITECTURES if one.qemu in held
        }
        if len(versions) > 1:
            raise CrossbuildError(
                f"{origin.name} holds emulators of several versions, {' and '.join(sorted(versions))}."
            )
        version = versions.pop()
        new = StoredVersion(f"{version}-{origin.digest[:12]}", origin.digest, version, origin.name)
        return self.store.adopt(target, new)


def check(path: str, architecture: Architecture, origin: str) -> str:
    """The version of an emulator that may be put in use. Raises CrossbuildError with the reason for any other file."""
    where = f"{os.path.basename(path)} of {origin}"
    try:
        described = _elf.describe(path)
        made_for = _elf.architecture(described.header)
        if made_for != host().arch:
            name = made_for.qemu if made_for else f"machine {described.header.machine}"
            raise CrossbuildError(f"it is a program for {name}, and this host is {host().arch.qemu}")
        if described.linkage is _elf.Linkage.DYNAMIC:
            raise CrossbuildError(
                "it is dynamically linked: in a container, where its libraries are not, it would not start"
            )
        emulator = _emulators.Emulator(architecture, path, described.linkage.value)
        release = emulator.release()
        if release.program != f"qemu-{architecture.qemu}":
            raise CrossbuildError(f"it says that it is {release.program}")
    except CrossbuildError as exc:
        raise CrossbuildError(
            f"{where} is no emulator to use: {exc}. Nothing of it was installed, and the emulators in use are as they were."
        ) from exc
    return release.upstream


def _file_name(architecture: Architecture) -> str:
    return f"qemu-{architecture.qemu}-static"


def _holds(directory: str) -> list[str]:
    return sorted(name for name in os.listdir(directory) if name.startswith("qemu-"))


def _missing(architectures: list[Architecture], origin: str, directory: str) -> str:
    wanted = ", ".join(architecture.docker for architecture in architectures)
    return f"{origin} holds no emulator for {wanted}, but {', '.join(_holds(directory)) or 'none at all'}."
