# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""User-mode network for the laboratory's network namespace: the machine's interfaces and rules stay untouched."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shell import LabError, call

NAMESERVER = "10.0.2.3"  # slirp4netns's own, which asks the machine's


@dataclass(frozen=True)
class Slirp:
    program: Path
    libraries: Path | None

    @contextmanager
    def connected(self, process: int) -> Iterator[None]:
        """Connect the network namespace of a process; disconnect it at the end, also when this process is killed."""
        ready_reader, ready_writer = os.pipe()
        exit_reader, exit_writer = os.pipe()
        environment = {**os.environ, **({"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {})}
        slirp = subprocess.Popen(
            [
                self.program,
                "--configure",
                "--mtu=1500",
                "--disable-host-loopback",
                f"--ready-fd={ready_writer}",
                f"--exit-fd={exit_reader}",
                str(process),
                "tap0",
            ],
            env=environment,
            pass_fds=(ready_writer, exit_reader),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        os.close(ready_writer)
        os.close(exit_reader)
        try:
            if os.read(ready_reader, 1) != b"1":
                raise LabError(f"slirp4netns did not start: {slirp.communicate()[1].strip()}")
            yield
        finally:
            os.close(ready_reader)
            os.close(exit_writer)
            slirp.communicate()


def fetch(directory: Path) -> Slirp:
    """The installed slirp4netns, or the distribution's package unpacked into a directory: nothing gets installed."""
    installed = shutil.which("slirp4netns")
    if installed:
        return Slirp(Path(installed), None)
    root = directory / "root"
    slirp = Slirp(root / "usr/bin/slirp4netns", root / f"usr/lib/{os.uname().machine}-linux-gnu")
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:  # laboratories may start side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not slirp.program.exists():
            unpack(directory, root)
    return slirp


def unpack(directory: Path, root: Path) -> None:
    archives, lists, new = directory / "archives", directory / "lists", directory / "root.new"
    for path in (archives / "partial", lists / "partial"):
        path.mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "-qq", "-oDebug::NoLocking=1", "-oAPT::Sandbox::User=root"]
    apt += [f"-oDir::Cache::Archives={archives}", f"-oDir::State::Lists={lists}"]
    call(*apt, "update")
    call(*apt, "install", "--yes", "--no-install-recommends", "--download-only", "slirp4netns")
    shutil.rmtree(new, ignore_errors=True)
    for package in archives.glob("*.deb"):
        call("dpkg-deb", "--extract", package, new)
    new.rename(root)
