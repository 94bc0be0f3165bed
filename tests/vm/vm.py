# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring up a virtual machine, run a command that finds it in its inventory, take it down.

Runs in the laboratory only. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

import debian_archive
from image import image
from lab import as_status, require_laboratory
from machine import Machine
from shell import LabError

T = TypeVar("T")
DIRECTORY = Path("/run/vm")
PACKAGES = ("qemu-system-x86", "mmdebstrap", "e2fsprogs", "openssh-client")


def main() -> int:
    parser = argparse.ArgumentParser(prog="vm", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="the command and its arguments, after --")
    command = parser.parse_args().command
    require_laboratory("tests/vm/vm")
    DIRECTORY.mkdir()
    timed("the programs that it takes are installed", lambda: debian_archive.install(PACKAGES))
    disk = timed("the disk is there", image)
    machine = Machine(disk, DIRECTORY)
    start = time.monotonic()
    with machine.running():
        said("the virtual machine is up", start)
        inventory = DIRECTORY / "inventory.json"
        inventory.write_text(json.dumps(machine.inventory()))
        environment = {
            **os.environ,
            "ANSIBLE_INVENTORY": str(inventory),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(DIRECTORY / "ssh"),
        }
        status = subprocess.run(command, env=environment, check=False).returncode
        print(f"vm: it took {machine.peak_memory()} MiB of memory", flush=True)
        if status != 0:
            print(f"vm: the end of its console:\n{machine.last_words()}", flush=True)
    return as_status(status)


def timed(words: str, action: Callable[[], T]) -> T:
    start = time.monotonic()
    result = action()
    said(words, start)
    return result


def said(words: str, start: float) -> None:
    print(f"vm: {words} after {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"vm: {error}")
