# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installing the emulators from the distribution's packages."""

from __future__ import annotations

import os
from typing import Any

from . import _emulators
from ._added_packages import AddedPackages
from ._binfmt_misc import BinfmtMisc
from ._converge import Plan, Step, converge
from ._errors import CrossbuildError
from ._package_manager import Apt, detect
from ._platform import Architecture, architectures, host, parse_list, same_family
from ._receipt import Receipt

# Where qemu-user-static is a package, it is the one: on Debian 12 the emulators of qemu-user are dynamic. Where it is no
# more than a virtual name (Debian 14, Ubuntu 25.10), those of qemu-user are static.
_PACKAGE_SETS = (("qemu-user-static",), ("qemu-user", "qemu-user-binfmt"))


class Emulation:
    """The emulators for some architectures on this host."""

    def __init__(self, architectures: list[Architecture]) -> None:
        self.architectures = architectures
        self.added = AddedPackages(Receipt("qemu_user_static"))

    def plan_present(self) -> Plan:
        plan = Plan()
        for architecture in self.architectures:
            emulator = _emulators.find(architecture)
            usable = bool(emulator and emulator.usable)
            plan.before.append(f"{architecture.qemu}: {_words(emulator)}")
            plan.after.append(f"{architecture.qemu}: {_words(emulator) if usable else 'static emulator'}")
            if not usable and not plan.steps:
                plan.steps.append(Step("install the static QEMU user-mode emulators", self._install))
        found = [_emulators.find(architecture) for architecture in self.architectures]
        plan.result = {"emulators": {e.architecture.qemu: e.describe() for e in found if e and e.usable}}
        return plan

    def _install(self) -> None:
        manager = detect()
        self.added.install(manager, self._packages(manager))
        for architecture in self.architectures:
            _emulators.require(architecture)

    def plan_absent(self) -> Plan:
        """The packages that this module once added are gone; others stay."""
        packages = self.added.names()
        plan = Plan(before=[f"package: {name}" for name in packages], result={"emulators": {}})
        if packages:
            plan.steps.append(Step(f"remove {', '.join(packages)}", self._remove))
        return plan

    def _remove(self) -> None:
        misc = BinfmtMisc()
        served = [entry for entry in misc.entries() if os.path.exists(entry.interpreter)]
        self.added.remove(detect())
        # By flag F a removed emulator stays in use: the kernel would run programs by a file that is no more.
        for entry in served:
            if not os.path.exists(entry.interpreter):
                misc.remove(entry.name)

    def _packages(self, manager: Apt) -> tuple[str, ...]:
        for attempt in ("with the lists as they are", "with new lists"):
            if attempt == "with new lists":
                manager.update()
            for names in _PACKAGE_SETS:
                if all(manager.available(name) for name in names):
                    return names
        found = [_emulators.find(architecture) for architecture in self.architectures]
        dynamic = [
            f"{emulator.path} is dynamically linked, of no use in containers. " for emulator in found if emulator
        ]
        raise CrossbuildError(
            f"{''.join(dynamic)}The package sources of this host offer no static QEMU user-mode emulators: neither"
            " qemu-user-static nor qemu-user with qemu-user-binfmt. Enable the distribution's main archive"
            " (on Ubuntu: universe)."
        )


def _words(emulator: _emulators.Emulator | None) -> str:
    return f"{emulator.path}, {emulator.linkage}" if emulator else "none"


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.qemu_user_static."""
    emulated = [platform for platform in parse_list(params["platforms"]) if not same_family(platform, host())]
    emulation = Emulation(architectures(emulated))
    return converge(emulation.plan_absent if params["state"] == "absent" else emulation.plan_present, check_mode)
