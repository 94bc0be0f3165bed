# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The virtual machine: a process that emulates a whole computer, with a kernel of its own."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image import BACKPORTS, PASSWORD, USER, Image
from shell import LabError

PORT = 2222  # of the laboratory's own loopback interface
BOOT_SECONDS = 300  # more than ten times what it takes on two idle cores
KERNEL_OPTIONS = "root=/dev/nvme0n1 rootfstype=ext4 rw console=ttyS0 quiet net.ifnames=0 mitigations=off audit=0"


class Machine:
    def __init__(self, image: Image, directory: Path) -> None:
        self.image = image
        self.directory = directory
        self.console = directory / "console"

    @contextmanager
    def running(self) -> Iterator[Machine]:
        """Up, and reachable by ssh. At the end its process is ended, and what it wrote to its disk is gone."""
        with self.console.open("w") as console:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=console, stderr=console, process_group=0
            )
        try:
            self.wait()
            yield self
        finally:
            self.process.kill()
            self.process.wait()

    def command(self) -> list[str | Path]:
        return [
            "qemu-system-x86_64",
            # Software alone: hardware virtualisation is rarely there where tests run, and never alike.
            *("-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,la57=off", "-smp", "2", "-m", "1024"),
            *("-nodefaults", "-nographic", "-serial", "stdio"),
            *("-kernel", self.image.kernel, "-append", KERNEL_OPTIONS),
            *("-drive", f"file={self.image.disk},if=none,id=disk,format=raw,snapshot=on,cache=unsafe"),
            *("-device", "nvme,drive=disk,serial=disk", "-device", "virtio-rng-pci"),
            *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{PORT}-:22"),
            *("-device", "virtio-net-pci,netdev=net,romfile="),
        ]

    def wait(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while (
            subprocess.run(self.ssh("true"), stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0
        ):
            if self.process.poll() is not None:
                raise LabError(f"the virtual machine ended by itself: {self.last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"nobody can log in to the virtual machine after {BOOT_SECONDS} s: {self.last_words()}")
            time.sleep(0.5)

    def ssh(self, *command: str) -> list[str | Path]:
        options = self.ssh_options()
        return [
            "ssh",
            *options,
            "-oConnectTimeout=5",
            "-p",
            str(PORT),
            "-i",
            self.image.key,
            f"{USER}@127.0.0.1",
            *command,
        ]

    def ssh_options(self) -> list[str]:
        return ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]

    def inventory(self) -> dict[str, object]:
        """For Ansible: a person logs in without privileges, and becomes root by a password."""
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": PORT,
            "ansible_user": USER,
            "ansible_become_password": PASSWORD,
            "ansible_ssh_private_key_file": str(self.image.key),
            "ansible_ssh_common_args": " ".join(self.ssh_options()),
            "ansible_python_interpreter": "/usr/bin/python3",
            "backports": BACKPORTS,
        }
        return {"all": {"hosts": {"machine": host}}}

    def peak_memory(self) -> int:
        """The most memory that the process held so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found.group(1)) // 1024

    def last_words(self) -> str:
        return self.console.read_text(errors="replace")[-2000:]
