# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What befalls hosts while a playbook installs packages on them: by the engine whose containers they are."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

from fleet import NETWORK
from shell import LabError, call

SOCKET = "unix:///run/hosts/engine/docker.sock"
DOWNLOADS = "/var/cache/apt/archives"
LOCK_SECONDS = 30
WITHIN_SECONDS = 600
# As apt and dpkg do it; released when its time is over.
HOLD_LOCK = f"""
import fcntl, time
with open("/var/lib/dpkg/lock-frontend", "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    time.sleep({LOCK_SECONDS})
"""


def docker(*words: str) -> str:
    return call("/usr/bin/docker", "--host", SOCKET, *words)


@contextmanager
def befalling(addresses: dict[str, str], locked: str, full: str, crashed: str, cut_off: str) -> Iterator[None]:
    """Four hosts: at first somebody else installs packages on the one; the second has no room for them; the third loses its power
    and the fourth its network, each while packages are being unpacked. At the end there is room, and a network.

    Raises LabError where that did not happen.
    """
    docker("exec", "--detach", locked, "python3", "-c", HOLD_LOCK)
    docker("exec", full, "sh", "-ec", f"mount -t tmpfs -o size=1m full {DOWNLOADS}; mkdir {DOWNLOADS}/partial")
    happened: list[str] = []
    threads = [
        threading.Thread(
            target=while_unpacking, args=(crashed, happened, lambda: docker("restart", "--time=0", crashed))
        ),
        threading.Thread(
            target=while_unpacking, args=(cut_off, happened, lambda: docker("network", "disconnect", NETWORK, cut_off))
        ),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
        docker("exec", full, "umount", DOWNLOADS)
        if cut_off in happened:
            docker("network", "connect", f"--ip={addresses[cut_off]}", NETWORK, cut_off)
    if set(happened) != {crashed, cut_off}:
        raise LabError(f"only {happened or 'no host'} unpacked packages within {WITHIN_SECONDS} s")


def while_unpacking(host: str, happened: list[str], event: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        if "dpkg" in docker("top", host, "-eo", "pid,comm").split():
            event()
            happened.append(host)
            return
        time.sleep(0.1)
