# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of hosts of three releases with the role trusted.crossbuild.emulation, which comes before or after emulators.

Runs in the hosts' surroundings only. See README.md beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "steps"))

from steps import NOWHERE, PROVE, REBOOT, RESTART, ROLE, Snapshots, play, require_equal, snapshots, step

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
DRIFT = PLAYBOOKS / "drift.yml"
INSTALL = PLAYBOOKS / "install.yml"

QEMU = {"debian11": "5.2", "debian12": "7.2", "debian13": "10.0"}
EVERYWHERE = set(QEMU)
# Its own entries have flag C, by which setuid programs of an image run the emulator as root.
WITH_CREDENTIALS = {"debian11"}


def scenario() -> None:
    fresh = snapshots("as the distribution installs it")
    step("the role in check mode", ROLE, changed=EVERYWHERE, check=True)
    require_equal(fresh, snapshots("after the check"))
    step("the role, first run", ROLE, changed=EVERYWHERE)
    step("proven by running", PROVE, qemu=QEMU)
    step("the role, second run", ROLE, changed=NOWHERE)
    require_kept()

    step("drift: removed, disabled, registered otherwise at the next boot", DRIFT)
    step("the role, after the drift", ROLE, changed=EVERYWHERE)
    step("proven after the repair", PROVE, qemu=QEMU)
    require_kept()
    teardown(EVERYWHERE, fresh)

    step("the distribution's emulators, installed by hand", INSTALL)
    installed = snapshots("with the distribution's own entries")
    step("the role, beside them", ROLE, changed=WITH_CREDENTIALS)
    step("proven by running", PROVE, qemu=QEMU)
    require_kept()
    teardown(WITH_CREDENTIALS, installed)


def require_kept() -> None:
    """What the role has made stays without it."""
    step("systemctl restart systemd-binfmt", RESTART)
    step("proven after the restart", PROVE, qemu=QEMU)
    step("reboot", REBOOT)
    step("proven after the reboot", PROVE, qemu=QEMU)
    step("the role, after the reboot", ROLE, changed=NOWHERE)


def teardown(changed: set[str], before: Snapshots) -> None:
    """All is as it was before the role, also after the next boot."""
    step("teardown", ROLE, changed=changed, emulation_state="absent")
    require_equal(before, snapshots("after the teardown"))
    step("reboot", REBOOT)
    require_equal(before, snapshots("after the reboot"))
    step("teardown, second run", ROLE, changed=NOWHERE, emulation_state="absent")


if __name__ == "__main__":
    play(scenario)
