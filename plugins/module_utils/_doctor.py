# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds on a host, from the kernel to an image, and what does not: looked at layer by layer, nothing is changed."""

from __future__ import annotations

import functools
import os
from dataclasses import asdict, replace
from typing import Any

from . import _binfmt_support, _buildx_plugin, _container_probe, _emulators, _image_proof, _platform_report
from ._accelerator import run as run_accelerator
from ._binfmt_boot import BootConfiguration, directories, reader
from ._binfmt_host import in_words
from ._binfmt_misc import BinfmtMisc
from ._builder_choice import choose
from ._engine_sdk import SdkEngine, answering, sdk
from ._environment import Environment
from ._errors import CrossbuildError
from ._layer import Layer, NotLookedAt, examine, first
from ._platform import Platform, parse_list
from ._reason import Reason, sentence
from ._registration import responsible
from ._registration_present import defects

# At which layer a program that does not run tells that something is wrong. At that of its execution: all others.
_OF_EMULATOR = {Reason.INTERPRETER_MISSING, Reason.NOT_STATIC, Reason.NO_PROGRAM, Reason.DENIED}
_OF_ENTRY = {
    Reason.NOT_REGISTERED,
    Reason.WRONG_INSTANCE,
    Reason.DISABLED,
    Reason.SHADOWED,
    Reason.NOT_FIXED,
    Reason.ARGV0_LOST,
}
_BY_ANOTHER_HOST = "the entries are those of the host around this namespace, and cannot be seen here"


class _Emulation:
    """One platform, up to a program of it that runs on this host. ``row`` is what platform_info tells of it."""

    def __init__(self, platform: Platform, row: dict[str, Any], misc: BinfmtMisc) -> None:
        self.platform = platform
        self.row = row
        self.misc = misc
        self.reason = Reason(row["reason"]) if row["reason"] else None
        self.unseen = row["status"] == "emulated" and row["entry"] is None

    def layers(self) -> list[Layer]:
        name = str(self.platform)
        if self.row["status"] == "native":
            return [examine("execution", name, self.execution)]
        return [
            examine("emulator", name, self.emulator),
            examine("entry", name, self.entry),
            examine("boot", name, self.boot),
            examine("execution", name, self.execution),
        ]

    def emulator(self) -> str:
        self._require_seen()
        if self.reason in _OF_EMULATOR:
            raise CrossbuildError(self.row["explanation"])
        entry = None if self.reason is Reason.SHADOWED else self.row["entry"]
        if entry is None:
            emulator = _emulators.require(self.platform.arch)
        elif os.path.exists(entry["interpreter"]):
            # The file itself: under the name of a link it would not heed --version.
            path = os.path.realpath(entry["interpreter"])
            emulator = _emulators.Emulator(self.platform.arch, path, self.row["linkage"] or "")
        else:
            detail = f"{entry['interpreter']}, of the entry {entry['name']}, is gone; the kernel keeps it open until the boot"
            raise CrossbuildError(sentence(Reason.INTERPRETER_MISSING, detail))
        described, broken = _emulators.describe([emulator])
        if broken:
            raise CrossbuildError(broken[0])
        return f"{emulator.path}, QEMU {described[self.platform.arch.qemu]['version']}, {emulator.linkage}"

    def entry(self) -> str:
        self._require_seen()
        if not self.misc.mounted():
            raise NotLookedAt("binfmt_misc is not mounted")
        if self.reason in _OF_ENTRY:
            raise CrossbuildError(self.row["explanation"])
        entry = responsible(self.misc.entries(), self.platform.arch)
        if entry is None:
            raise NotLookedAt("no entry handles its programs")
        if self.row["entry"]["current"] is False and os.path.exists(entry.interpreter):
            raise CrossbuildError(
                f"The kernel still runs programs by the file that was at {entry.interpreter} when {entry.name} was"
                " registered, and which was replaced since. Register it again (trusted.crossbuild.binfmt)."
            )
        return in_words(entry)

    def boot(self) -> str:
        self._require_seen()
        boot_reader, unread = reader()
        at_boot = list(BootConfiguration(directories(boot_reader)).entries()) if boot_reader != "none" else []
        if _binfmt_support.active():
            at_boot += _binfmt_support.entries()
        entry = responsible(at_boot, self.platform.arch)
        if entry is None and boot_reader == "none":
            raise CrossbuildError(
                f"Nothing on this host registers entries at boot: {unread}. Put that right, or run"
                " trusted.crossbuild.site again after each boot."
            )
        if entry is None:
            raise CrossbuildError(
                f"No configuration registers an entry for it at boot: {boot_reader} finds none in"
                f" {', '.join(directories(boot_reader))}. Have it written (trusted.crossbuild.binfmt)."
            )
        wrong = defects(entry, replace(entry, flags="".join({*entry.flags, "F"})))
        if wrong:
            raise CrossbuildError(
                f"The entry that a boot registers will not do: {'; '.join(wrong)}. Have another written"
                " (trusted.crossbuild.binfmt)."
            )
        return f"{boot_reader if boot_reader != 'none' else 'binfmt-support'} registers: {in_words(entry)}"

    def execution(self) -> str:
        if self.row["reason"] or not self.row["in_containers"]:
            raise CrossbuildError(self.row["explanation"])
        return f"a program of it ran in an empty root directory, {self.row['status']}"

    def _require_seen(self) -> None:
        if self.unseen:
            raise NotLookedAt(_BY_ANOTHER_HOST)


class _Examination:
    """All layers of a host. What is asked more than once is looked at once."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.misc = BinfmtMisc()
        environment = Environment(self.misc.path)
        self.platforms = parse_list(params["platforms"])
        self.report = _platform_report.report(self.platforms, self.misc, environment, environment.docker_data_root())
        self.emulations = [_Emulation(one, self.report["details"][str(one)], self.misc) for one in self.platforms]

    def layers(self) -> list[Layer]:
        found = [examine("host", None, self.host), examine("binfmt_misc", None, self.binfmt_misc)]
        for emulation in self.emulations:
            found += emulation.layers()
        found += [examine("engine", None, self.engine), examine("builder", None, self.builder)]
        for emulation in self.emulations:
            look = functools.partial(self.container, emulation)
            found.append(examine("container", str(emulation.platform), look))
        return [*found, examine("accelerator", None, self.accelerator), examine("image", None, self.image)]

    def host(self) -> str:
        host, around = self.report["host"], self.report["environment"]
        container = "no container" if around["container"] == "none" else f"in a container ({around['container']})"
        namespace = "a user namespace" if around["user_namespace"] else "the initial user namespace"
        return (
            f"{host['platform']}, Linux {host['kernel']}, {container}, {namespace}, started by {around['init']['name']}"
        )

    def binfmt_misc(self) -> str:
        if not self.misc.mounted():
            if any(emulation.unseen for emulation in self.emulations):
                raise NotLookedAt(_BY_ANOTHER_HOST)
            self.misc.require_mountable()
            raise CrossbuildError(
                f"binfmt_misc is not mounted at {self.misc.path}. Mount it, as trusted.crossbuild.binfmt does: mount -t"
                f" binfmt_misc binfmt_misc {self.misc.path}"
            )
        self.misc.require_switched_on()
        return f"mounted at {self.misc.path}, switched on, entries: {len(self.misc.entries())}"

    def engine(self) -> str:
        return self._engine.describe()

    def builder(self) -> str:
        engine = self._require_engine()
        sdk()
        builder = choose({"builder": "auto", "builder_name": None}, engine)
        plugin = _buildx_plugin.find() if builder.kind == "buildx" else None
        return f"{f'buildx {plugin.version}' if plugin else 'the classic builder'}, as {builder.reason}"

    def container(self, emulation: _Emulation) -> str:
        engine = self._require_engine()
        _require_sdk()
        if emulation.reason:
            raise NotLookedAt("it does not run on the host")
        with answering():
            _container_probe.run(engine, emulation.platform)
        return "a program of it ran in a container of the engine"

    def accelerator(self) -> str:
        asked = self.params["accelerator"]
        if not asked:
            raise NotLookedAt("it was not asked for")
        self._require_engine()
        params = {**self.params, **asked, "state": "present", "repository": None, "registry": None}
        found = run_accelerator(params, check_mode=True)
        if found["actions"]:
            raise CrossbuildError(
                f"To accelerate builds there is something to do: {'; '.join(found['actions'])}. Run the role"
                " trusted.crossbuild.accelerator."
            )
        unused = [one["path"] for one in found["dispatchers"].values() if not one["registered"]]
        if unused:
            raise CrossbuildError(
                f"The kernel does not run programs by {' and '.join(unused)}. Register them (trusted.crossbuild.binfmt)."
            )
        return f"{len(found['images'])} accelerators, and the kernel runs programs by the copies of the emulators"

    def image(self) -> str:
        reference = self.params["image"]
        if not reference:
            raise NotLookedAt("none was named")
        engine = self._require_engine()
        image = engine.image(reference)
        if image is None:
            raise CrossbuildError(
                f"{reference} is not on the engine. Build it (trusted.crossbuild.docker_image), pull it, or name another."
            )
        wanted = next((platform for platform in self.platforms if platform.accepts(image.platform)), None)
        if wanted is None:
            asked = " or ".join(map(str, self.platforms))
            raise CrossbuildError(
                f"{reference} is recorded as {image.platform}, and asked for was {asked}. Build or pull it for that platform;"
                " its base image may be of the wrong one, too."
            )
        try:
            _image_proof.look_at(engine, image, wanted, False, {})
        except CrossbuildError as exc:
            raise CrossbuildError(
                f"{reference} is recorded as {image.platform}, and {exc}. Look at its base image and at what is copied into it."
            ) from exc
        except sdk().errors.DockerException as exc:
            raise CrossbuildError(
                f"The files of {reference} cannot be read: {exc}. The engine's log says more."
            ) from exc
        return f"{reference} is for {image.platform}, and so are its programs"

    @functools.cached_property
    def _engine(self) -> SdkEngine:
        if not self.params["engine"]:
            raise NotLookedAt("it was not asked for")
        return SdkEngine(self.params)

    def _require_engine(self) -> SdkEngine:
        try:
            return self._engine
        except CrossbuildError as exc:
            raise NotLookedAt("the engine cannot be used") from exc


def _require_sdk() -> None:
    """That it is missing is told at the builder's layer."""
    try:
        sdk()
    except CrossbuildError as exc:
        raise NotLookedAt("the Docker SDK for Python is missing") from exc


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.doctor_info."""
    layers = _Examination(params).layers()
    lowest = first(layers)
    return {
        "changed": False,
        "layers": [asdict(layer) for layer in layers],
        "first": asdict(lowest) if lowest else None,
    }
