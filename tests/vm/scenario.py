# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a host with the role trusted.crossbuild.emulation, its kernel's module and an upgrade included.

Runs in the virtual machine's surroundings only. See README.md beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "steps"))

from steps import NOWHERE, PROVE, REBOOT, RESTART, ROLE, play, require, require_equal, snapshots, step

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
UNLOAD = PLAYBOOKS / "unload.yml"
UPGRADE = PLAYBOOKS / "upgrade.yml"
AUTOREMOVE = PLAYBOOKS / "autoremove.yml"

MACHINE = {"machine"}
ENTRIES = {"qemu-arm", "qemu-aarch64", "qemu-riscv64"}
OLD = {"machine": "7.2"}
NEW = {"machine": "10.0"}


def scenario() -> None:
    fresh = snapshots("as the distribution installs it")
    step("binfmt_misc unloaded", UNLOAD)
    unloaded = snapshots("after that")["machine"]
    require(not (unloaded["supported"] or unloaded["mounted"]), "binfmt_misc is still loaded or mounted")
    step("the role, first run", ROLE, changed=MACHINE)
    require_registered("the role has registered")
    step("proven by running", PROVE, qemu=OLD)
    step("the role, second run", ROLE, changed=NOWHERE)

    step("reboot", REBOOT)
    require_registered("a boot has registered")
    step("proven after the reboot", PROVE, qemu=OLD)
    step("systemctl restart systemd-binfmt", RESTART)
    step("proven after the restart", PROVE, qemu=OLD)

    step("emulators upgraded", UPGRADE)
    step("the role, after the upgrade", ROLE, changed=MACHINE)
    step("proven with the new version", PROVE, qemu=NEW)
    step("the role, once more", ROLE, changed=NOWHERE)
    step("reboot", REBOOT)
    step("proven after the reboot", PROVE, qemu=NEW)

    step("teardown", ROLE, changed=MACHINE, emulation_state="absent")
    step("what the upgrade by hand brought goes by hand", AUTOREMOVE)
    require_equal(fresh, snapshots("after the teardown"))
    step("reboot", REBOOT)
    require_equal(fresh, snapshots("after the reboot"))
    step("teardown, second run", ROLE, changed=NOWHERE, emulation_state="absent")


def require_registered(words: str) -> None:
    """Every entry is in the kernel, whose module was loaded for it; nobody looked at the mount point before."""
    now = snapshots(words)["machine"]
    require(now["supported"] and now["mounted"], f"{words}: supported {now['supported']}, mounted {now['mounted']}")
    require(set(now["entries"]) >= ENTRIES, f"{words}: only {sorted(now['entries'])}, not all of {sorted(ENTRIES)}")


if __name__ == "__main__":
    play(scenario)
