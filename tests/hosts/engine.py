# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Docker Engine for the hosts alone: every container of it is in a user namespace, with a binfmt_misc table of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shell import LabError, call

PACKAGES = ("docker.io", "iptables", "uidmap", "mmdebstrap", "openssh-client")
# What --userns-remap=default maps the ids of all containers to.
REMAPPED_USER = "dockremap"


class Engine:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = f"unix://{directory}/docker.sock"

    @contextmanager
    def running(self) -> Iterator[Engine]:
        """Start the engine; at the end it goes, and its containers with it."""
        self.directory.mkdir(parents=True)
        (self.directory / "daemon.json").write_text("{}")
        with (self.directory / "log").open("w") as log:
            daemon = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wait(daemon)
            yield self
        finally:
            daemon.terminate()
            daemon.wait(timeout=60)

    def command(self) -> list[str]:
        directory = self.directory
        return [
            "/usr/sbin/dockerd",
            f"--config-file={directory}/daemon.json",
            f"--host={self.socket}",
            f"--data-root={directory}/data",
            f"--exec-root={directory}/exec",
            f"--pidfile={directory}/pid",
            "--bip=10.79.1.1/24",
            "--userns-remap=default",
        ]

    def wait(self, daemon: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and daemon.poll() is None:
            try:
                self.docker("version")
                return
            except LabError:
                time.sleep(0.1)
        last = (self.directory / "log").read_text().splitlines()[-5:]
        raise LabError("the hosts' Docker Engine does not answer. Its log ends:\n" + "\n".join(last))

    def docker(self, *words: str | Path) -> str:
        # Another client may come first on PATH; the distribution's fits its engine.
        return call("/usr/bin/docker", "--host", self.socket, *words)

    def first_id(self) -> int:
        """The id that root of a container has outside of it."""
        for line in Path("/etc/subuid").read_text().splitlines():
            name, first, _count = line.split(":")
            if name == REMAPPED_USER:
                return int(first)
        raise LabError(f"/etc/subuid does not name {REMAPPED_USER}, which dockerd --userns-remap=default makes")
