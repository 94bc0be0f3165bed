# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring up hosts that are complete machines, run a command that finds them in its inventory, take them down.

Runs in the laboratory only. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))  # filesystems, control groups and calls are the same

import debian_archive
from engine import PACKAGES, Engine
from fleet import Fleet, Host
from lab import as_status, require_laboratory
from shell import LabError, call

DIRECTORY = Path("/run/hosts")
ONE_OF_EACH = ["debian11=bullseye", "debian12=bookworm", "debian13=trixie"]
RELEASES = ["bookworm", "trixie", "bullseye"]
FORKS = "10"
MEMORY = "80%"  # The files of a host take 0.6 to 0.9 GB. Else a tmpfs takes half of it at most.


def main() -> int:
    options = arguments()
    require_laboratory("tests/hosts/hosts")
    start = time.monotonic()
    debian_archive.install(PACKAGES)
    DIRECTORY.mkdir()
    call("mount", "-t", "tmpfs", "-o", f"mode=755,size={MEMORY}", "hosts", DIRECTORY)
    with (
        Engine(DIRECTORY / "engine").running() as engine,
        Fleet(options.host, DIRECTORY, engine, options.image).running() as fleet,
    ):
        print(f"hosts: {len(options.host)} up after {time.monotonic() - start:.0f} s", flush=True)
        environment = {
            **os.environ,
            "ANSIBLE_INVENTORY": str(fleet.inventory),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(DIRECTORY / "ssh"),
            "ANSIBLE_FORKS": FORKS,
        }
        return as_status(subprocess.run(options.command, env=environment, check=False).returncode)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hosts", description=(__doc__ or "").splitlines()[0])
    host = f"a host and its Debian release; may be repeated; without any: {' '.join(ONE_OF_EACH)}"
    parser.add_argument("--host", metavar="NAME=RELEASE", action="append", help=host)
    fleet = "so many hosts, of these releases in turn: host01, host02 ..."
    parser.add_argument("--fleet", metavar="NUMBER", type=int, help=fleet)
    image = "what all of them start from, instead of a root filesystem that is put together here: systemd, sshd, Python"
    parser.add_argument("--image", help=image)
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="the command and its arguments, after --")
    options = parser.parse_args()
    many = [f"host{number + 1:02}={RELEASES[number % len(RELEASES)]}" for number in range(options.fleet or 0)]
    pairs = [text.split("=") for text in options.host or many or ONE_OF_EACH]
    options.host = [Host(name, release, number) for number, (name, release) in enumerate(pairs)]
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"hosts: {error}")
