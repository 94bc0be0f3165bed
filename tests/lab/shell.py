# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of the machine, called by name."""

from __future__ import annotations

import subprocess
from pathlib import Path


class LabError(Exception):
    """The laboratory cannot be built; the message says why."""


def call(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a program; its output, or a LabError with what it said."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        raise LabError(f"{words[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise LabError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
