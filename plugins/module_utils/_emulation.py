# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulators that a host has to have: from packages, an archive or an image."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import Any, Callable

from . import _dispatcher, _emulators
from ._architectures import ARCHITECTURES, Architecture
from ._binfmt_misc import BinfmtMisc
from ._converge import Plan, Step, converge
from ._emulator_packages import EmulatorPackages
from ._emulator_store import EmulatorStore
from ._emulator_versions import EmulatorVersions, Origin, archive_origin, image_origin
from ._errors import CrossbuildError
from ._locks import PACKAGES, locked
from ._platform import architectures, parse_list, runs_natively

# The options that say what to take from each source.
_OF_SOURCE = {"package": ("version", "default_release"), "archive": ("archive", "checksum"), "image": ("image",)}


class Emulation:
    """The emulators for some architectures on this host."""

    def __init__(self, wanted: list[Architecture], params: dict[str, Any]) -> None:
        self.architectures = wanted
        self.store = EmulatorStore()
        self.packages = EmulatorPackages(
            wanted, params["version"] or "", params["default_release"] or "", params["lock_timeout"]
        )
        self.versions = EmulatorVersions(wanted, self.store)
        self.origin = _origin(params) if params["state"] == "present" else None

    def plan_present(self) -> Plan:
        plan = Plan()
        if not self.origin:
            self.packages.plan(plan)
        elif self.architectures:
            self.versions.plan(plan, self.origin)
        return self._told(plan)

    def plan_rolled_back(self) -> Plan:
        plan = Plan()
        self.versions.plan_rolled_back(plan)
        return self._told(plan)

    def _told(self, plan: Plan) -> Plan:
        found = [_usable(architecture, bool(plan.steps)) for architecture in self.architectures]
        described, warnings = _emulators.describe([emulator for emulator in found if emulator])
        plan.result = {"emulators": described, **self.versions.result()}
        # About what is there in the end: an upgrade may be what they ask for.
        plan.result["warnings"] = warnings
        return plan

    def plan_absent(self) -> Plan:
        """The packages that were added are gone, the store is, and the entries that ran emulators of either."""
        plan = Plan(result={"emulators": {}, "current": None, "previous": None})
        self.packages.plan_absent(plan)
        self.versions.plan_absent(plan)
        plan.steps = [Step(step.words, partial(self._without_entries, step.run)) for step in plan.steps]
        return plan

    def _without_entries(self, remove: Callable[[], None]) -> None:
        misc = BinfmtMisc()
        served = [entry for entry in misc.entries() if os.path.exists(entry.interpreter)]
        remove()
        # By flag F a removed emulator stays in use: the kernel would run programs by a file that is no more.
        for entry in served:
            if not _is_there(entry.interpreter):
                misc.remove(entry.name)


def _is_there(interpreter: str) -> bool:
    """Whether an entry's interpreter is on this host; a copy with the dispatcher is not to outlive its emulator."""
    if not _dispatcher.is_copy(interpreter):
        return os.path.exists(interpreter)
    paths = [path for architecture in ARCHITECTURES for path in _emulators.candidates(architecture)]
    return any(_dispatcher.copy_of(path) == interpreter for path in paths)


def _usable(architecture: Architecture, repaired: bool) -> _emulators.Emulator | None:
    try:
        emulator = _emulators.find(architecture)
    except CrossbuildError:
        if repaired:
            return None  # it is damaged, and a step of the plan is about that
        raise
    return emulator if emulator and emulator.usable else None


def _origin(params: dict[str, Any]) -> Origin | None:
    for source, options in _OF_SOURCE.items():
        given = [name for name in options if params[name]]
        if given and source != params["source"]:
            raise CrossbuildError(f"{given[0]} is for source: {source}, and source is {params['source']}.")
    if params["source"] == "archive":
        return archive_origin(params["archive"], params["checksum"])
    return image_origin(params["image"], params) if params["source"] == "image" else None


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.qemu_user_static."""
    emulated = [platform for platform in parse_list(params["platforms"]) if not runs_natively(platform)]
    emulation = Emulation(architectures(emulated), params)
    plans = {
        "present": emulation.plan_present,
        "rolled_back": emulation.plan_rolled_back,
        "absent": emulation.plan_absent,
    }
    writes = not check_mode and (emulation.origin or emulation.store.exists())
    with locked(emulation.store.root) if writes else contextlib.nullcontext():
        return converge(plans[params["state"]], check_mode, lambda: locked(PACKAGES))
