# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What builds on a host are accelerated by: copies of its emulators that begin with the dispatcher, and images of native tools."""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import Any, Sequence

from . import _accelerator_image, _accelerator_tree, _dispatcher, _emulators
from ._accelerator_tools import TRIPLETS
from ._accelerators import Accelerators, Repository, remove
from ._added_packages import AddedPackages
from ._architectures import Architecture
from ._binfmt_format import argv0_arrives, of_architecture
from ._binfmt_misc import BinfmtMisc
from ._converge import Plan, Step, converge
from ._emulators import Emulator
from ._engine_sdk import SdkEngine
from ._errors import CrossbuildError
from ._locks import PACKAGES, locked
from ._package_manager import detect
from ._platform import architectures, everything, parse_list, runs_natively
from ._receipt import Receipt

_COMPILER = "gcc"


class Dispatchers:
    """The copies of the emulators for some architectures; ``source`` is the text of dispatcher.c."""

    def __init__(self, wanted: Sequence[Architecture], source: str, check_mode: bool) -> None:
        self.wanted = wanted
        self.source = source
        self.check_mode = check_mode

    def plan(self, plan: Plan) -> bool:
        """Returns whether one has to be made."""
        complete = True
        registered = BinfmtMisc().entries()
        described = {}
        for architecture in self.wanted:
            emulator = self._emulator(architecture)
            if emulator is None:
                complete = False
                plan.steps.append(Step(f"copy the emulator for {architecture.docker}, once it is here", lambda: None))
                continue
            copy = _dispatcher.path(emulator.path)
            current = _dispatcher.is_current(copy, emulator.path, self.source)
            if not current:
                complete = False
                words = f"make {copy}, {emulator.path} with the dispatcher"
                plan.steps.append(Step(words, partial(_dispatcher.make, copy, emulator.path, self.source)))
            plan.before.append(f"{copy}: {'as it should be' if current else 'missing or of another emulator'}")
            plan.after.append(f"{copy}: as it should be")
            entry = of_architecture(architecture).responsible(registered)
            is_registered = current and entry is not None and entry.interpreter == copy
            # The kernel keeps to the file that was there when the entry was made.
            fresh = is_registered and entry is not None and os.stat(copy).st_ctime_ns <= entry.registered_ns
            described[architecture.qemu] = {"path": copy, "emulator": emulator.path, "registered": fresh}
        plan.result["dispatchers"] = described
        return not complete

    def _emulator(self, architecture: Architecture) -> Emulator | None:
        if self.check_mode and _emulators.find(architecture) is None:
            return None
        emulator = _emulators.require(architecture)
        kernel, version = os.uname().release, emulator.version()
        if not argv0_arrives(kernel, version):
            raise CrossbuildError(
                f"The dispatcher needs Linux 5.12 and QEMU 6.0, or newer, which tell it that argv[0] is preserved. Here are"
                f" Linux {kernel} and QEMU {version} ({emulator.path}). Install newer ones (see"
                " trusted.crossbuild.qemu_user_static), or build without acceleration."
            )
        return emulator


class Present:
    """Copies and accelerators are there, with the compiler that making them takes."""

    def __init__(self, params: dict[str, Any], engine: SdkEngine, check_mode: bool) -> None:
        emulated = [platform for platform in parse_list(params["platforms"]) if not runs_natively(platform)]
        served = [platform for platform in emulated if platform.debian in TRIPLETS]
        self.without = [str(platform) for platform in emulated if platform not in served]
        shared = Repository(params["repository"], params["registry"], engine) if params["repository"] else None
        wanted = [(release, platform) for release in params["releases"] for platform in served]
        self.accelerators = Accelerators(engine, wanted, params["launcher"], params["state"] == "latest", shared)
        self.dispatchers = Dispatchers(architectures(served), params["dispatcher"], check_mode)
        self.added = AddedPackages(_receipt())

    def plan(self) -> Plan:
        _accelerator_tree.require_host()
        plan = Plan()
        makes = [self.dispatchers.plan(plan), self.accelerators.plan(plan)]
        if self.added.interrupted() or (any(makes) and not shutil.which(_COMPILER)):
            plan.steps.insert(0, Step(f"install {_COMPILER}", self._install))
        plan.result["unaccelerated"] = self.without
        return plan

    def _install(self) -> None:
        manager = detect()
        if not manager.offers(_COMPILER):
            manager.update()
        self.added.install(manager, [_COMPILER])


class Absent:
    """Copies, accelerators and added packages are gone, whatever they were for. Without an engine there are no images."""

    def __init__(self, engine: SdkEngine | None) -> None:
        self.engine = engine
        self.added = AddedPackages(_receipt())

    def plan(self) -> Plan:
        plan = Plan(result={"dispatchers": {}, "images": [], "unaccelerated": [], "served": _served()})
        if os.path.isdir(_dispatcher.DIRECTORY):
            plan.before.append(_dispatcher.DIRECTORY)
            plan.steps.append(Step(f"remove {_dispatcher.DIRECTORY}", _dispatcher.remove))
        for engine in [self.engine] if self.engine else []:
            for one in _accelerator_image.found(engine.labelled(_accelerator_image.LABEL)):
                plan.before.append(f"accelerator for {one.release} {one.platform}: {one.image_id}")
                plan.steps.append(Step(f"remove {one.image_id}", partial(remove, engine, one)))
        packages = self.added.names()
        plan.before += [f"package: {name}" for name in packages]
        if packages or self.added.interrupted():
            words = f"remove {', '.join(packages) or 'what an interrupted installation has brought'}"
            plan.steps.append(Step(words, lambda: self.added.remove(detect())))
        return plan


def _receipt() -> Receipt:
    return Receipt("accelerator")


def _served() -> list[str]:
    """The platforms whose programs the kernel runs by a copy, be it there or not."""
    entries = BinfmtMisc().entries()
    responsible = {str(one): of_architecture(one.arch).responsible(entries) for one in everything()}
    return [name for name, entry in responsible.items() if entry and _dispatcher.is_copy(entry.interpreter)]


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.accelerator."""
    absent = params["state"] == "absent"
    engine, missing = None, ""
    try:
        engine = SdkEngine(params)
    except CrossbuildError as exc:
        if not (absent or check_mode):
            raise
        missing = str(exc)
    if absent:
        plan = Absent(engine).plan
    elif engine:
        plan = Present(params, engine, check_mode).plan
    else:
        # On a fresh host the tasks before this one would have brought the engine.
        return {"changed": True, "actions": ["make accelerators, once an engine is here"], "warnings": [missing]}
    return converge(plan, check_mode, lambda: locked(PACKAGES))
