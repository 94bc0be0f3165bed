# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installing and starting the Docker Engine, and taking away again what was installed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
from typing import Any

from ._added_packages import AddedPackages
from ._apt import Apt
from ._buildx_source import BuildxSource
from ._command import run as run_command
from ._converge import Plan, Step, converge
from ._engine_socket import EngineSocket, require_recent
from ._errors import CrossbuildError
from ._locks import PACKAGES, locked
from ._package_manager import require_apt
from ._receipt import Receipt
from ._service import Service

SERVICE = "docker"
# The engine; then, from Debian 13 on, its client as a package of its own.
_ENGINE_PACKAGES = ("docker.io", "docker-cli")
_SDK_PACKAGE = "python3-docker"
# Debian's docker.io saves the first as the second when it is removed, and when it is purged, erases the data with that.
_ERASERS = ("/usr/share/docker.io/contrib/nuke-graph-directory.sh", "/var/lib/docker/nuke-graph-directory.sh")
# Where Debian's packages put modules: only its own Python looks there, and no virtual environment made of that.
_PACKAGED_MODULES = "/usr/lib/python3/dist-packages"
# What the engine writes beside its data, and no package removes.
_LEAVINGS = ("/etc/docker/key.json", "/var/log/docker.log")


class EngineHost:
    """The Docker Engine of this host, wanted or not."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.engine = EngineSocket(params["socket"])
        self.python_sdk = params["python_sdk"]
        self.buildx_wanted = params["buildx"]
        self.buildx = BuildxSource(params["buildx_release"], params["buildx_file"], params["buildx_checksum"])
        self.receipt = Receipt("docker_engine")
        self.added = AddedPackages(self.receipt)

    def plan_present(self) -> Plan:
        """Engine installed, running and started at boot; the Docker SDK in the Python that runs the modules."""
        plan = Plan()
        version = self.engine.version()
        if version:
            require_recent(version)
        interrupted = self.added.interrupted()
        packages = [] if version or (shutil.which("dockerd") and not interrupted) else list(_ENGINE_PACKAGES[:1])
        if self.python_sdk and importlib.util.find_spec("docker") is None:
            packages.append(_sdk_package())
        if packages or interrupted:
            finish = "finish the installation of packages that was interrupted"
            words = finish if interrupted else f"install {', '.join(packages)}"
            plan.steps.append(Step(words, lambda: self._install(packages)))
        if not version:
            plan.steps.append(Step("start the Docker Engine", self._start))
        if shutil.which("dockerd") and not _started_by_hand() and not Service(SERVICE).starts_at_boot():
            plan.steps.append(Step("start the Docker Engine at every boot", self._enable))
        plan.before = [f"engine: {version or 'none answers at ' + self.engine.path}"]
        plan.after = [f"engine: {version or 'running'}"] + [f"package: {name}" for name in packages]
        plan.result = {"version": version}
        if self.buildx_wanted == "present":
            self.buildx.plan_present(plan)
        elif self.buildx_wanted == "absent":
            self.buildx.plan_absent(plan)
        plan.result["packages_added"] = self.added.names() + self.buildx.added.names()
        return plan

    def _install(self, names: list[str]) -> None:
        manager = require_apt()
        self.added.install(manager, _with_companions(manager, names))
        importlib.invalidate_caches()

    def _start(self) -> None:
        mounted = _cgroup_mounts()
        Service(SERVICE).start()
        require_recent(self.engine.wait())
        self._record("started", True)
        # Docker's System V script mounts the hierarchies that nobody else has. What an earlier start mounted may still be.
        ours = self.receipt.load().get("cgroups", [])
        self._record("cgroups", [path for path in _cgroup_mounts() if path in ours or path not in mounted])

    def _enable(self) -> None:
        Service(SERVICE).enable()
        self._record("enabled", True)

    def _record(self, fact: str, value: Any) -> None:
        self.receipt.save({**self.receipt.load(), fact: value})

    def plan_absent(self) -> Plan:
        """What the receipt lists is gone; an engine that was here before stays, running as it was."""
        record = self.receipt.load()
        packages = self.added.names()
        plan = Plan(found={"packages_removed": packages + self.buildx.added.names()})
        self.buildx.plan_absent(plan)
        engine_is_ours = bool({"docker.io", "docker-ce"} & set(packages))
        kept = self._holdings() if engine_is_ours else []
        if kept:
            plan.warnings.append(f"The engine's data in {self._data_root()} stays, as it holds {', '.join(kept)}.")
        if record:
            words = f"remove {', '.join(packages)}" if packages else "leave the Docker Engine as it was found"
            remove_data = self._data_root() if engine_is_ours and not kept else None
            plan.steps.append(Step(words, lambda: self._remove(record, remove_data, bool(kept))))
        plan.before += [f"package: {name}" for name in packages]
        return plan

    def _holdings(self) -> list[str]:
        try:
            return self.engine.holdings()
        except OSError:
            return ["something that cannot be counted while the engine does not answer"]

    def _data_root(self) -> str:
        try:
            return str(self.engine.get("/info")["DockerRootDir"])
        except OSError:
            return "/var/lib/docker"

    def _remove(self, record: dict[str, Any], data_root: str | None, keep_data: bool) -> None:
        if shutil.which("dockerd"):  # somebody may have removed it since
            if record.get("started"):
                Service(SERVICE).stop()
            if record.get("enabled"):
                Service(SERVICE).disable()
        for path in _ERASERS if keep_data else ():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self.added.remove(require_apt())
        if data_root:
            for directory in (data_root, "/var/lib/containerd"):
                shutil.rmtree(directory, ignore_errors=True)
            for path in _LEAVINGS:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        for path in record.get("cgroups", []):
            # One that somebody else has come to use stays until the next boot.
            if run_command(["umount", path]).returncode == 0:
                os.rmdir(path)
        self.receipt.save({})


def _cgroup_mounts() -> list[str]:
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[1] for line in file]
    return [point for point in points if point.startswith("/sys/fs/cgroup/")]


def _with_companions(manager: Apt, names: list[str]) -> list[str]:
    """The packages and, with the engine, those without which it does not work on this host."""
    if _ENGINE_PACKAGES[0] not in names:
        return names
    if not manager.available(_ENGINE_PACKAGES[0]):
        manager.update()
    # Without certificates no registry can be trusted; without apparmor_parser, on a kernel that enforces AppArmor,
    # every RUN fails; without systemd nobody else mounts the cgroup hierarchies.
    companions = [name for name in _ENGINE_PACKAGES[1:] if manager.available(name)] + ["ca-certificates"]
    if _reads("/sys/module/apparmor/parameters/enabled") == "Y":
        companions.append("apparmor")
    if not os.path.isdir("/run/systemd/system") and not os.listdir("/sys/fs/cgroup"):
        companions.append("cgroupfs-mount")
    # Naming what is there already would upgrade it.
    installed = manager.installed()
    return names + [name for name in companions if name not in installed]


def _sdk_package() -> str:
    if _PACKAGED_MODULES not in sys.path:
        raise CrossbuildError(
            f"The Docker SDK for Python is missing in {sys.executable}, which is not the system's Python: no package can"
            f" bring it. Run '{sys.executable} -m pip install docker', or set ansible_python_interpreter=/usr/bin/python3."
        )
    return _SDK_PACKAGE


def _started_by_hand() -> bool:
    """Whether the running engine is none of this host's services."""
    return not any(
        os.path.exists(path)
        for path in (
            "/etc/init.d/docker",
            "/lib/systemd/system/docker.service",
            "/usr/lib/systemd/system/docker.service",
        )
    )


def _reads(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.docker_engine."""
    host = EngineHost(params)
    plan = host.plan_absent if params["state"] == "absent" else host.plan_present
    return converge(plan, check_mode, lambda: locked(PACKAGES))
