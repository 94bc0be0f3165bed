# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that scenarios are made of, on all hosts of the inventory.

A step is a playbook; what it left is looked at by another one.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
ROLE = PLAYBOOKS / "role.yml"
PROVE = PLAYBOOKS / "prove.yml"
REBOOT = PLAYBOOKS / "reboot.yml"
RESTART = PLAYBOOKS / "restart.yml"
SNAPSHOT = PLAYBOOKS / "snapshot.yml"

STEP_SECONDS = 900
NOWHERE: set[str] = set()

Snapshots = dict[str, dict[str, Any]]  # by host: what snapshot.py prints


class Failed(Exception):
    """What was seen is not what was expected; the message says both."""


def play(scenario: Callable[[], None]) -> None:
    """A scenario from its beginning to its end, or to the first step that fails."""
    start = time.monotonic()
    try:
        scenario()
    except (Failed, subprocess.TimeoutExpired) as failure:
        sys.exit(f"scenario: {failure}")
    print(f"scenario: passed after {time.monotonic() - start:.0f} s")


def step(
    words: str,
    playbook: Path,
    changed: set[str] | None = None,
    failed: Collection[str] = (),
    check: bool = False,
    **variables: object,
) -> str:
    """Run a playbook, and say how long it took and how much it changed on which host; returns what it printed.

    ``changed`` are the hosts on which it has to change something, and on no others; ``failed`` those on which it has to
    fail. Raises Failed with the playbook's output where that is not so.
    """
    start = time.monotonic()
    command = ["ansible-playbook", *(["--check"] if check else []), str(playbook)]
    command += ["--extra-vars", json.dumps(variables)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    recap = re.findall(r"(?m)^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+) ", done.stdout)
    counts = ", ".join(f"{host} {changes}" for host, changes, *_faults in sorted(recap))
    print(f"scenario: {time.monotonic() - start:5.1f} s  {words}; changed: {counts}", flush=True)
    ended = {host for host, _changes, *faults in recap if faults != ["0", "0"]}
    require(ended == set(failed), f"{words}: to fail on {sorted(failed)}, and did on {sorted(ended)}: {done.stdout}")
    require(recap and (done.returncode != 0) == bool(failed), f"{words}: status {done.returncode}: {done.stdout}")
    found = {host for host, changes, *_faults in recap if changes != "0"}
    expected = found if changed is None else changed
    require(found == expected, f"{words}: to change on {sorted(expected)}, and did on {sorted(found)}: {done.stdout}")
    return done.stdout


def snapshots(words: str) -> Snapshots:
    with tempfile.TemporaryDirectory() as directory:
        step(f"snapshot: {words}", SNAPSHOT, destination=directory)
        return {path.name: json.loads(path.read_text()) for path in Path(directory).iterdir()}


def require_equal(before: Snapshots, after: Snapshots) -> None:
    require(before.keys() == after.keys(), f"snapshots of {sorted(before)} and of {sorted(after)}")
    for host, parts in before.items():
        for part, state in parts.items():
            now = after[host][part]
            require(state == now, f"{host}: {part} not as before: {difference(state, now)}")


def difference(before: Any, after: Any) -> Any:
    """Of two dictionaries, what is in one of them only, or not the same in both."""
    if not isinstance(before, dict):
        return before, after
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return {name: (before.get(name), after.get(name)) for name in names}


def require(condition: object, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)
