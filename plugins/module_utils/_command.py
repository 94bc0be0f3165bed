# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands of the host, run without a shell, with their words in a known language."""

from __future__ import annotations

import os
import subprocess
from typing import Sequence

from ._errors import CrossbuildError


def run(command: Sequence[str], env: dict[str, str] | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, whatever its exit status. Raises CrossbuildError where it does not exist."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    try:
        # AnsibleModule.run_command belongs to a module, of which what is below knows nothing.
        return subprocess.run(  # pylint: disable=ansible-bad-function
            command,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as exc:
        raise CrossbuildError(
            f"The command {command[0]} is not on this host; it is needed for: {' '.join(command)}."
        ) from exc


def require(command: Sequence[str], env: dict[str, str] | None = None) -> str:
    """The output of a command that must succeed. Raises CrossbuildError with the end of what it said."""
    done = run(command, env)
    if done.returncode != 0:
        said = tail(done.stderr) or tail(done.stdout) or "nothing"
        raise CrossbuildError(f"{' '.join(command)} ended with status {done.returncode} and said: {said}")
    return done.stdout


def tail(text: str, lines: int = 20) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
