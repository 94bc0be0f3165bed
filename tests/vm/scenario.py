# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a host with the role trusted.crossbuild.emulation: each step is a playbook, and what it left is looked at.

Runs in the virtual machine's surroundings only. See README.md beside this file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
STEP_SECONDS = 900
# As docker writes them: platform_info reports under these names.
PLATFORMS = ["linux/arm/v7", "linux/arm64", "linux/riscv64"]
ENTRIES = {"qemu-arm", "qemu-aarch64", "qemu-riscv64"}
OLD: dict[str, Any] = {"version": "7.2", "below": "8"}
NEW: dict[str, Any] = {"version": "10.0", "below": "11"}

Snapshot = dict[str, Any]


class Failed(Exception):
    """What was seen is not what was expected; the message says both."""


def main() -> None:
    start = time.monotonic()
    fresh = snapshot("as the distribution installs it")
    step("binfmt_misc unloaded", "unload")
    unloaded = snapshot("after that")
    require(not (unloaded["module"] or unloaded["mounted"]), "binfmt_misc is still loaded or mounted")
    step("the role, first run", "role", changed=True)
    registered("the role has registered")
    step("proven by running", "prove", **OLD)
    step("the role, second run", "role", changed=False)

    step("reboot", "reboot")
    registered("a boot has registered")
    step("proven after the reboot", "prove", **OLD)
    step("systemctl restart systemd-binfmt", "restart")
    step("proven after the restart", "prove", **OLD)

    step("emulators upgraded", "upgrade")
    step("the role, after the upgrade", "role", changed=True)
    step("proven with the new version", "prove", **NEW)
    step("the role, once more", "role", changed=False)
    step("reboot", "reboot")
    step("proven after the reboot", "prove", **NEW)

    step("teardown", "role", changed=True, emulation_state="absent")
    step("what the upgrade by hand brought goes by hand", "autoremove")
    equal(fresh, snapshot("after the teardown"))
    step("reboot", "reboot")
    equal(fresh, snapshot("after the reboot"))
    step("teardown, second run", "role", changed=False, emulation_state="absent")
    print(f"scenario: passed after {time.monotonic() - start:.0f} s")


def step(words: str, playbook: str, changed: bool | None = None, **variables: object) -> None:
    """Run a playbook, and say how long it took. Raises Failed with its output where it fails or changes what it should not."""
    start = time.monotonic()
    command = ["ansible-playbook", str(PLAYBOOKS / f"{playbook}.yml")]
    command += ["--extra-vars", json.dumps({"emulation_platforms": PLATFORMS, **variables})]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    require(done.returncode == 0, f"{words}: {done.stdout}")
    recap = re.search(r"machine +: ok=\d+ +changed=(\d+) ", done.stdout)
    if recap is None:
        raise Failed(f"{words}: no recap in {done.stdout}")
    count = int(recap.group(1))
    print(f"scenario: {time.monotonic() - start:5.1f} s  {words}, changed={count}", flush=True)
    require(changed is None or changed == (count > 0), f"{words}: changed={count} is not expected in {done.stdout}")


def snapshot(words: str) -> Snapshot:
    with tempfile.NamedTemporaryFile() as file:
        step(f"snapshot: {words}", "snapshot", destination=file.name)
        found = json.loads(Path(file.name).read_text())
    assert isinstance(found, dict)
    return found


def registered(words: str) -> None:
    """Every entry is in the kernel, whose module was loaded for it; nobody looked at the mount point before."""
    now = snapshot(words)
    require(now["module"] and now["mounted"], f"{words}: module {now['module']}, mounted {now['mounted']}")
    require(set(now["entries"]) >= ENTRIES, f"{words}: only {sorted(now['entries'])}, not all of {sorted(ENTRIES)}")


def equal(before: Snapshot, after: Snapshot) -> None:
    for part in before:
        require(before[part] == after[part], f"{part} are not as before: {difference(before[part], after[part])}")


def difference(before: Any, after: Any) -> Any:
    """Of two dictionaries, what is in one of them only, or not the same in both."""
    if not isinstance(before, dict):
        return before, after
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return {name: (before.get(name), after.get(name)) for name in names}


def require(condition: object, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.TimeoutExpired) as failure:
        sys.exit(f"scenario: {failure}")
