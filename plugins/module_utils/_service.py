# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting services with whatever the host starts services with."""

from __future__ import annotations

import glob
import os
import shutil

from ._command import require, run, tail
from ._errors import CrossbuildError

# Scripts such as Docker's raise resource limits and end where that is forbidden, as to root without CAP_SYS_RESOURCE.
# The service runs well without: so the script is run with a ulimit that may fail.
_WITHOUT_LIMITS = 'ulimit() {{ command ulimit "$@" || true; }}; . /etc/init.d/{name}'


class Service:
    """One service of systemd, OpenRC or System V init."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.manager = _manager(name)

    def start(self) -> None:
        self._order("start")

    def stop(self) -> None:
        self._order("stop")

    def starts_at_boot(self) -> bool:
        """Whether the next boot starts it, as far as the manager records that."""
        if self.manager == "systemd":
            # Beside "enabled" there are states that start a service another way, for example by its socket.
            return run(["systemctl", "is-enabled", "--quiet", self.name]).returncode == 0
        if self.manager == "openrc":
            return bool(glob.glob(f"/etc/runlevels/*/{glob.escape(self.name)}"))
        return any(
            entry.startswith("S") and entry.endswith(self.name)
            for entry in (os.listdir("/etc/rc2.d") if os.path.isdir("/etc/rc2.d") else ())
        )

    def enable(self) -> None:
        commands = {
            "systemd": [["systemctl", "enable", "--quiet", self.name]],
            "openrc": [["rc-update", "add", self.name, "default"]],
            # The first makes links where there are none, the second makes those of a disabled service start links.
            "sysv": [["update-rc.d", self.name, "defaults"], ["update-rc.d", self.name, "enable"]],
        }
        for command in commands[self.manager]:
            require(command)

    def disable(self) -> None:
        commands = {
            "systemd": ["systemctl", "disable", "--quiet", self.name],
            "openrc": ["rc-update", "delete", self.name, "default"],
            "sysv": ["update-rc.d", self.name, "disable"],
        }
        require(commands[self.manager])

    def _order(self, verb: str) -> None:
        commands = {
            "systemd": ["systemctl", verb, self.name],
            "openrc": ["rc-service", self.name, verb],
            "sysv": ["service", self.name, verb],
        }
        done = run(commands[self.manager])
        if done.returncode != 0 and self.manager == "sysv" and "ulimit" in done.stderr:
            require(["sh", "-c", _WITHOUT_LIMITS.format(name=self.name), f"/etc/init.d/{self.name}", verb])
        elif done.returncode != 0:
            raise CrossbuildError(
                f"{' '.join(done.args)} ended with status {done.returncode} and said: {tail(done.stderr) or tail(done.stdout)}"
            )


def _manager(name: str) -> str:
    if os.path.isdir("/run/systemd/system"):
        return "systemd"
    if os.path.isdir("/run/openrc"):
        return "openrc"
    if os.path.exists(f"/etc/init.d/{name}") and shutil.which("service"):
        return "sysv"
    raise CrossbuildError(
        f"Nothing on this host can start the service {name}: systemd and OpenRC do not run, and there is no"
        f" /etc/init.d/{name} to start by hand."
    )
