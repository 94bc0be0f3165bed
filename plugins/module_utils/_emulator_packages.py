# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emulators from the distribution's packages."""

from __future__ import annotations

from . import _emulators
from ._added_packages import AddedPackages
from ._architectures import Architecture
from ._converge import Plan, Step
from ._emulator_names import PACKAGE_SETS, WITHOUT_PACKAGES, choose, installed_sets, sets_of
from ._errors import CrossbuildError
from ._package_manager import detect, os_release
from ._package_tool import PackageManager
from ._receipt import Receipt

# In the receipt: the release that was asked for, with the packages as they came from it.
_RELEASE = "release"


class EmulatorPackages:
    """The packages that bring the emulators for some architectures.

    ``version`` and ``release`` may be empty: then emulators that are there already do, wherever they came from.
    """

    def __init__(self, architectures: list[Architecture], version: str, release: str, lock_timeout: int) -> None:
        self.architectures = architectures
        self.version = version
        self.release = release
        self.lock_timeout = lock_timeout
        self.receipt = Receipt("qemu_user_static")
        self.added = AddedPackages(self.receipt)

    def plan(self, plan: Plan) -> None:
        """Adds to a plan what is to do."""
        found = [_emulators.find(architecture) for architecture in self.architectures]
        for architecture, emulator in zip(self.architectures, found):
            usable = bool(emulator and emulator.usable)
            plan.before.append(f"{architecture.qemu}: {_words(emulator)}")
            plan.after.append(f"{architecture.qemu}: {_words(emulator) if usable else 'static emulator'}")
        # Nothing to emulate, nothing to pin.
        pinned = bool(self.architectures and (self.version or self.release))
        satisfied = self._pinned(plan) if pinned else True
        if self.added.interrupted():
            plan.steps.append(Step("finish the installation of packages that was interrupted", self._install))
        elif not satisfied or not all(emulator and emulator.usable for emulator in found):
            plan.steps.append(Step(f"install the static QEMU user-mode emulators{self._which()}", self._install))

    def _which(self) -> str:
        version = f", version {self.version}" if self.version else ""
        return version + (f", from {self.release}" if self.release else "")

    def _pinned(self, plan: Plan) -> bool:
        """Whether the packages are installed as asked for. Reads local records only, in the common case no package list."""
        if _emulators.store_is_used():
            raise CrossbuildError(
                f"Emulators from an archive or an image are in {_emulators.CURRENT} and are used first, so that a version of the"
                " packages would change nothing. Take them away first (state: absent), or ask for an archive of that version."
            )
        manager = self._manager()
        present = installed_sets(manager.name, self.architectures, manager.installed(), self.version)
        satisfied = any(self._from_release(manager, packages) for packages in present)
        shown = ", ".join(f"{name} {version}" for name, version in self._relatives(manager).items())
        plan.before.append(f"packages: {shown or 'none'}")
        plan.after.append(f"packages: {shown if satisfied else 'static emulators' + self._which()}")
        return satisfied

    def _manager(self) -> PackageManager:
        manager = detect(self.lock_timeout)
        if self.release and not manager.knows_releases:
            raise CrossbuildError(
                f"default_release is for apt, which knows releases; this host has {manager.name}. Say version instead."
            )
        return manager

    def _from_release(self, manager: PackageManager, present: dict[str, str]) -> bool:
        """Whether packages came from the release: by our own record, or because it holds them in just that version."""
        if not self.release or self.receipt.load().get(_RELEASE) == {"name": self.release, "packages": present}:
            return True
        return all(version in manager.offers(name, self.release) for name, version in present.items())

    def _relatives(self, manager: PackageManager) -> dict[str, str]:
        """Packages of any set of this manager that are installed."""
        installed = manager.installed()
        names = {name for one in sets_of(manager.name) for name in one.expand(self.architectures)}
        return {name: installed[name] for name in sorted(names) if name in installed}

    def _install(self) -> None:
        manager = self._manager()
        packages = self._choose(manager)
        self.added.install(manager, list(packages), packages if self.version else {}, self.release)
        if self.release:
            installed = manager.installed()
            came = {name: installed[name] for name in packages if name in installed}
            self.receipt.save({**self.receipt.load(), _RELEASE: {"name": self.release, "packages": came}})
        for architecture in self.architectures:
            _emulators.require(architecture)

    def _choose(self, manager: PackageManager) -> dict[str, str]:
        for attempt in ("with the lists as they are", "with new lists"):
            try:
                if attempt == "with new lists":
                    manager.update()
                packages = choose(
                    manager.name, self.architectures, lambda name: manager.offers(name, self.release), self.version
                )
            except CrossbuildError:
                if attempt == "with new lists":
                    raise
                continue  # as where the lists do not know the release yet
            if packages:
                return packages
        raise CrossbuildError(self._unavailable(manager))

    def _unavailable(self, manager: PackageManager) -> str:
        found = [_emulators.find(architecture) for architecture in self.architectures]
        dynamic = [
            f"{one.path} is dynamically linked, of no use in containers. " for one in found if one and not one.usable
        ]
        names = [" with ".join(one.expand(self.architectures)) for one in sets_of(manager.name)]
        said = f"{''.join(dynamic)}The package sources of this host offer no static QEMU user-mode emulators{self._which()}"
        offered = {name: manager.offers(name, self.release) for one in names for name in one.split(" with ")}
        versions = [f"{name} {', '.join(offers)}" for name, offers in offered.items() if offers]
        if self.version and versions:
            return f"{said}. They offer {'; '.join(versions)}. Say one of these, or source: archive."
        return f"{said}: neither {' nor '.join(names)}. {_advice(manager)}"

    def plan_absent(self, plan: Plan) -> None:
        """The packages that this module once added are gone; others stay."""
        packages = self.added.names()
        plan.before += [f"package: {name}" for name in packages]
        plan.warnings += self.added.replaced_words()
        if packages or self.receipt.load():
            words = f"remove {', '.join(packages)}" if packages else "forget what was done to packages of others"
            plan.steps.append(Step(words, self._remove))

    def _remove(self) -> None:
        try:
            self.added.remove(detect(self.lock_timeout))
        finally:
            record = self.receipt.load()
            self.receipt.save({key: value for key, value in record.items() if key != _RELEASE})


def _advice(manager: PackageManager) -> str:
    release = os_release()
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()} - {"fedora"}
    if release.get("ID") != "fedora" and family & set(WITHOUT_PACKAGES):
        name = release.get("NAME", "This distribution")
        return f"{name} has no package of them, nor has EPEL: say source: archive or source: image."
    where = "; ".join(f"{' and '.join(one.names)} ({one.where})" for one in PACKAGE_SETS if one.manager == manager.name)
    return (
        f"Enable the part of the distribution's archive that holds {where}. On Debian that is main, on Ubuntu universe."
        if manager.name == "apt-get"
        else f"Enable the repository that holds {where}, or say source: archive or source: image."
    )


def _words(emulator: _emulators.Emulator | None) -> str:
    return f"{emulator.path}, {emulator.linkage}" if emulator else "none"
