# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills a registry as soon as an upload to a repository of it has begun to arrive, and is far from complete.

Usage: kill_at_upload.py STORAGE REPOSITORY REGISTRY_PID_FILE
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

UPLOADS = Path(sys.argv[1], "docker/registry/v2/repositories", sys.argv[2], "_uploads")
PID = int(Path(sys.argv[3]).read_text())
BEGUN = 1 << 20
DEADLINE = time.monotonic() + 120


def arrived() -> int:
    """Bytes of the largest upload."""
    sizes = [0]
    for path in UPLOADS.glob("*/data"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # it has just been completed
            continue
    return max(sizes)


while arrived() < BEGUN:
    if time.monotonic() > DEADLINE:
        raise SystemExit("no upload began")
    time.sleep(0.005)
os.kill(PID, signal.SIGKILL)
print(arrived())
