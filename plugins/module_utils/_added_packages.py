# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages added to a host and answered for: recorded when they come, so that exactly they can go again."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ._errors import CrossbuildError
from ._package_tool import PackageManager
from ._receipt import Receipt

# Keys of the receipt. While an installation runs, all packages from before with their versions, in case it is killed.
_ADDED, _REPLACED, _PENDING = "packages", "replaced", "pending"


class AddedPackages:
    """The packages in one receipt, the dependencies they brought included."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt

    def names(self) -> list[str]:
        return list(self._receipt.load().get(_ADDED, []))

    def replaced_words(self) -> list[str]:
        """About each package that was there before in another version: it is not ours to remove, but to be named."""
        return [
            f"The package {name} was on this host before in version {version}, and was replaced because another was asked for."
            " It is left as it is now; the version from before is for the package manager to bring back."
            for name, version in self._receipt.load().get(_REPLACED, {}).items()
        ]

    def interrupted(self) -> bool:
        """Whether an installation was killed, so that it is not known yet what came of it."""
        return _PENDING in self._receipt.load()

    def install(
        self,
        manager: PackageManager,
        names: Sequence[str],
        versions: Mapping[str, str] | None = None,
        release: str = "",
    ) -> None:
        """Installs packages and records every one that is new on the host afterwards, also after a failure."""
        record = self._receipt.load()
        # What was there before an installation that was killed is what was there before this one, which finishes it.
        before: dict[str, str] = record.get(_PENDING) or manager.installed()
        self._receipt.save({**record, _PENDING: before})
        try:
            manager.install(names, versions, release)
        finally:
            self._settle(manager.installed())

    def _settle(self, after: Mapping[str, str]) -> None:
        record = self._receipt.load()
        before = record.pop(_PENDING)
        ours = set(record.get(_ADDED, []))
        # Of what was replaced twice, the version from before the first time counts.
        others: dict[str, str] = {**before, **record.get(_REPLACED, {})}
        kept: dict[str, Any] = {
            _ADDED: sorted((set(after) - set(before) | ours) & set(after) - set(record.get(_REPLACED, {}))),
            _REPLACED: {
                name: version
                for name, version in sorted(others.items())
                if after.get(name) != version and name not in ours
            },
        }
        rest = {key: value for key, value in record.items() if key not in kept}
        self._receipt.save({**rest, **{key: value for key, value in kept.items() if value}})

    def remove(self, manager: PackageManager) -> None:
        """Removes them and forgets them. Raises CrossbuildError naming those that had to stay."""
        before: dict[str, str] | None = self._receipt.load().get(_PENDING)
        going: set[str] = set()
        if before is not None:
            manager.repair()
            going = manager.unfinished() - set(before)
            self._settle(manager.installed())
        replaced = self.replaced_words()
        kept = manager.remove(going | (set(self.names()) & set(manager.installed())))
        record = self._receipt.load()
        self._receipt.save({key: value for key, value in record.items() if key not in (_ADDED, _REPLACED)})
        if kept:
            raise CrossbuildError(
                f"{', '.join(kept)} stay installed, because packages that came later need them. Everything else that was"
                f" added is gone. Remove those by hand if they should go. {' '.join(replaced)}".rstrip()
            )
