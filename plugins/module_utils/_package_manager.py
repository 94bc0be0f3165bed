# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which package manager a host has."""

from __future__ import annotations

import os
import shutil

from ._apk import Apk
from ._apt import Apt
from ._errors import CrossbuildError
from ._os_release import PATHS, fields
from ._package_tool import PackageManager
from ._pacman import Pacman
from ._rpm import Dnf, Zypper

# The command, a file or directory that is only where it is in charge, and who speaks to it. On openSUSE dnf may be there as
# well, beside the zypper that counts.
_KNOWN: tuple[tuple[str, str, type[PackageManager]], ...] = (
    ("apt-get", "/var/lib/dpkg", Apt),
    ("zypper", "/etc/zypp", Zypper),
    ("dnf", "/etc/dnf", Dnf),
    ("pacman", "/etc/pacman.conf", Pacman),
    ("apk", "/lib/apk/db", Apk),
)


def detect(lock_timeout: int = 300) -> PackageManager:
    """The package manager of this host. Raises CrossbuildError where there is none that is known here."""
    for command, evidence, manager in _KNOWN:
        if os.path.exists(evidence) and shutil.which(command):
            return manager(lock_timeout)
    raise CrossbuildError(
        "This host has no package manager that is known here: looked for"
        f" {', '.join(command for command, _evidence, _manager in _KNOWN)}. Install the packages by other means; what is"
        " there already is found and used."
    )


def require_apt() -> Apt:
    """The package manager where the packages meant are Debian's. Raises CrossbuildError where it is another one."""
    manager = detect()
    if not isinstance(manager, Apt):
        raise CrossbuildError(
            f"This host's package manager is {manager.name}, and only with apt-get it is known which packages to install."
            " Install them by other means; what is there already is found and used."
        )
    return manager


def os_release() -> dict[str, str]:
    """This host's os-release."""
    for path in PATHS:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return fields(file.read())
    return {}
