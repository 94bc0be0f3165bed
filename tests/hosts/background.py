# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that stay up, in a laboratory of theirs, until they are told to end: for tools that are started several times.

``start DIRECTORY`` leaves there ``inventory.json``, the key ``id``, and ``ssh``, the client to use: it enters the
laboratory's network first. ``stop DIRECTORY`` takes hosts and laboratory down, and the directory away.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

from shell import LabError

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 600
STOP_SECONDS = 120
# In the laboratory, once the hosts are up. Opening the pipe waits for a writer; reading it, for its end.
STAY = """\
directory=$1
surroundings=$(dirname "$ANSIBLE_INVENTORY")
cp "$surroundings/id" "$directory/id"
cp "$ANSIBLE_INVENTORY" "$directory/inventory.new"
mv "$directory/inventory.new" "$directory/inventory.json"
cat "$directory/end"
"""
# Connections that are kept open end with the hosts, and have their sockets by a name that is short enough for one.
CLIENT = """\
#!/bin/sh
cd "$(dirname "$0")"
exec nsenter --net=/proc/{process}/ns/net ssh -o ControlPath=./%h "$@"
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="background", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("directory", type=lambda text: Path(text).resolve())
    options, hosts = parser.parse_known_args()
    # From an earlier time, when nobody told them to end.
    stop(options.directory)
    if options.action == "start":
        start(options.directory, hosts)


def start(directory: Path, hosts: list[str]) -> None:
    """``hosts`` are options of the program hosts. Raises LabError with what it said when they do not come up."""
    directory.mkdir(parents=True)
    os.mkfifo(directory / "end")
    laboratory = ["tests/lab/lab", "--process", str(directory / "process")]
    laboratory += ["--keep", ".cache/hosts", "--keep", str(directory)]
    command = ["tests/hosts/hosts", *hosts, "--", "sh", "-euc", STAY, "stay", str(directory)]
    log = directory / "log"
    with log.open("w") as output, (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [*laboratory, "--", *command],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[lock.fileno()],  # held for as long as anything of it lives
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not (directory / "inventory.json").exists():
        if process.poll() is not None:
            raise LabError(f"the hosts did not start: {log.read_text().strip()}")
        if time.monotonic() > deadline:
            process.terminate()
            process.wait()
            raise LabError(f"the hosts did not start in {START_SECONDS} s: {log.read_text().strip()}")
        time.sleep(0.2)
    client = directory / "ssh"
    client.write_text(CLIENT.format(process=(directory / "process").read_text().strip()))
    client.chmod(0o755)


def stop(directory: Path) -> None:
    """Does nothing where nothing was started. Raises LabError when something of it stays alive."""
    if not directory.exists():
        return
    with (directory / "lock").open("a") as lock:
        if not free(lock.fileno()):
            end(directory)
        deadline = time.monotonic() + STOP_SECONDS
        while not free(lock.fileno()):
            if time.monotonic() > deadline:
                raise LabError(f"the hosts of {directory} did not end in {STOP_SECONDS} s: {directory / 'log'}")
            time.sleep(0.1)
    shutil.rmtree(directory)


def end(directory: Path) -> None:
    """In order, by the pipe's end, where the hosts are up; while they start, with everything in the laboratory at once."""
    try:
        os.close(os.open(directory / "end", os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno != errno.ENXIO:  # nobody reads it yet
            raise
        os.kill(int((directory / "process").read_text()), signal.SIGKILL)


def free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"hosts: {error}")
