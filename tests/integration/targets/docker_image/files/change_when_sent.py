# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes z-small in a directory when a-large there is opened: change_when_sent.py DIRECTORY TIME..., from 1.

Prints the number of the process that goes on waiting for that.
"""

from __future__ import annotations

import ctypes
import os
import sys

# inotify(7)
IN_OPEN = 0x20
EVENT_SIZE = 16  # of an event without a name

directory, *times = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
events = libc.inotify_init()
if libc.inotify_add_watch(events, os.fsencode(os.path.join(directory, "a-large")), IN_OPEN) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))

process = os.fork()
if process:
    print(process)
    sys.exit()
nothing = os.open(os.devnull, os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(nothing, stream)

opened = 0
for time_to_change in map(int, times):
    while opened < time_to_change:
        opened += len(os.read(events, EVENT_SIZE)) // EVENT_SIZE
    with open(os.path.join(directory, "z-small"), "w", encoding="ascii") as small:
        small.write(f"changed {time_to_change}\n")
