# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes z-small in a directory while somebody reads a-large there: change_when_sent.py DIRECTORY TIME..., from 1."""

from __future__ import annotations

import glob
import os
import sys
import time

directory, *times = sys.argv[1:]
large = os.path.join(directory, "a-large")


def is_open() -> bool:
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == large:
                return True
        except OSError:
            continue  # closed meanwhile
    return False


def wait_until(state: bool) -> None:
    while is_open() is not state:
        time.sleep(0.02)


opened = 0
for time_to_change in map(int, times):
    while opened < time_to_change:
        wait_until(False)
        wait_until(True)
        opened += 1
    with open(os.path.join(directory, "z-small"), "w", encoding="ascii") as small:
        small.write(f"changed {time_to_change}\n")
