# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts: containers with systemd as their first process, reached over ssh at fixed addresses."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import downloads
import images
from cgroups import Hierarchy, mounted
from engine import Engine
from shell import LabError, call

NETWORK = "hosts"
PREFIX = "10.79.0."
GROUP = "hosts"  # of control groups, below that of the laboratory
# What the image of a host does not bring.
ADDED = Path(__file__).resolve().parent / "added"
INIT = "/usr/local/sbin/host-init"
UNCONFINED = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")


@dataclass(frozen=True)
class Host:
    """A host to be: its name, the Debian release it runs (``bookworm``), and which one of all it is, from 0 on."""

    name: str
    release: str
    number: int

    @property
    def address(self) -> str:
        return f"{PREFIX}{10 + self.number}"


class Fleet:
    def __init__(self, hosts: list[Host], directory: Path, engine: Engine, image: str | None = None) -> None:
        """``image`` is what all hosts start from; without it, each from its release as the distribution packages it."""
        self.hosts = hosts
        self.image = image
        self.directory = directory
        self.engine = engine
        self.key = directory / "id"
        self.inventory = directory / "inventory.json"
        self.control_group = unified_hierarchy().mountpoint / GROUP

    @contextmanager
    def running(self) -> Iterator[Fleet]:
        """All hosts up, each wholly; at the end they go, and the packages that they downloaded stay in the laboratory."""
        self.prepare()
        try:
            self.on_all(self.start)
            self.on_all(self.wait)
            yield self
        finally:
            self.remove()

    def on_all(self, action: Callable[[Host], None]) -> None:
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(action, self.hosts))

    def prepare(self) -> None:
        """What the hosts share: images, a network, a way to log in, a control group that is theirs."""
        if self.image:
            self.engine.docker("pull", self.image)
        else:
            releases = {host.release for host in self.hosts}
            for release, tar in images.root_filesystems(releases, self.directory).items():
                self.engine.docker("import", tar, f"host:{release}")
        shutil.copytree(ADDED, self.directory / "added")
        # Fixed addresses, as hosts that reboot at the same time may swap theirs otherwise.
        self.engine.docker("network", "create", "--subnet", f"{PREFIX}0/24", NETWORK)
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        self.give(self.key.with_suffix(".pub"))
        # The engine's own name server would be 127.0.0.11, which an engine in a host cannot use.
        (self.directory / "resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
        self.control_group.mkdir()
        for path in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            self.give(self.control_group / path)
        self.inventory.write_text(json.dumps(self.described(), indent=4))

    def give(self, path: Path) -> None:
        """Make the hosts' root the owner."""
        first = self.engine.first_id()
        os.chown(path, first, first)

    def start(self, host: Host) -> None:
        words = [f"--name={host.name}", f"--hostname={host.name}", f"--network={NETWORK}", f"--ip={host.address}"]
        words += ["--restart=always", "--stop-signal=RTMIN+3", f"--cgroup-parent=/{GROUP}", "--cap-add=ALL"]
        words += [f"--security-opt={option}" for option in UNCONFINED]
        words += ["--env=container=docker", f"--entrypoint={INIT}"]
        words += ["--tmpfs=/run", "--tmpfs=/run/lock", f"--env=HOST_CGROUP={self.control_group}"]
        words += [f"--volume={self.control_group}:{self.control_group}"]
        for file in (path for path in ADDED.rglob("*") if path.is_file()):
            name = file.relative_to(ADDED)
            words += [f"--volume={self.directory}/added/{name}:/{name}:ro"]
        words += [f"--volume={self.directory}/resolv.conf:/etc/resolv.conf:ro"]
        words += [f"--volume={self.key}.pub:/root/.ssh/authorized_keys:ro"]
        words += [f"--volume={self.downloads_for(host)}:{downloads.ARCHIVES}"]
        self.engine.docker("run", "--detach", *words, self.image or f"host:{host.release}")

    def downloads_for(self, host: Host) -> Path:
        archives = downloads.view(self.directory / host.name)
        for path in (archives, archives / "partial", archives / "lock"):
            self.give(path)
        return archives

    def wait(self, host: Host) -> None:
        """Until systemd has started everything. Raises LabError when something did not start."""
        deadline = time.monotonic() + 120
        state = "not asked"
        while state != "running":
            try:
                state = self.engine.docker("exec", host.name, "systemctl", "is-system-running", "--wait").strip()
            except LabError as error:  # it says anything but "running" with a status; at first it has no bus
                state = str(error)
            if state.endswith("degraded"):
                failed = self.engine.docker("exec", host.name, "systemctl", "--failed", "--plain", "--no-legend")
                raise LabError(f"{host.name} did not start wholly: {failed.strip()}")
            if time.monotonic() > deadline:
                log = self.engine.docker("logs", "--tail", "5", host.name)
                raise LabError(f"{host.name} did not start in time: {state}\n{log.strip()}")
            time.sleep(0.1)

    def remove(self) -> None:
        """Those that were started, which need not be all of them."""
        containers = self.engine.docker("ps", "--all", "--quiet").split()
        if containers:
            self.engine.docker("rm", "--force", *containers)
        for host in self.hosts:
            downloads.keep(self.directory / host.name / "archives")

    def described(self) -> dict[str, object]:
        """The inventory: where the hosts are, how to log in, and a group for each release."""
        options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
        # A host that is gone in the middle of a task is noticed after a quarter of a minute.
        options += " -o ServerAliveInterval=5 -o ServerAliveCountMax=3"
        variables = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": options,
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        addresses = {host.name: {"ansible_host": host.address} for host in self.hosts}
        releases: dict[str, object] = {
            release: {"hosts": {host.name: {} for host in self.hosts if host.release == release}}
            for release in sorted({host.release for host in self.hosts})
        }
        return {"build_hosts": {"hosts": addresses, "vars": variables}, **releases}


def unified_hierarchy() -> Hierarchy:
    found = next((hierarchy for hierarchy in mounted() if hierarchy.kind == "cgroup2"), None)
    if found is None:
        raise LabError("this machine has no cgroup v2 hierarchy mounted, which the hosts' systemd needs")
    return found
