# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages added to a host and answered for: recorded when they come, so that exactly they can go again."""

from __future__ import annotations

from typing import Sequence

from ._errors import CrossbuildError
from ._package_manager import Apt
from ._receipt import Receipt


class AddedPackages:
    """The packages in one receipt, the dependencies they brought included."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt

    def names(self) -> list[str]:
        return list(self._receipt.load().get("packages", []))

    def install(self, manager: Apt, names: Sequence[str]) -> None:
        """Installs packages and records every one that is new on the host afterwards, also after a failure."""
        before = set(manager.installed())
        try:
            manager.install(names)
        finally:
            added = set(manager.installed()) - before
            if added:
                self._receipt.save({**self._receipt.load(), "packages": sorted(added | set(self.names()))})

    def remove(self, manager: Apt) -> None:
        """Removes them and forgets them. Raises CrossbuildError naming those that had to stay."""
        present = manager.installed()
        kept = manager.remove([name for name in self.names() if name in present])
        self._receipt.save({key: value for key, value in self._receipt.load().items() if key != "packages"})
        if kept:
            raise CrossbuildError(
                f"{', '.join(kept)} stay installed, because packages that came later need them. Everything else that was"
                " added is gone. Remove those by hand if they should go."
            )
