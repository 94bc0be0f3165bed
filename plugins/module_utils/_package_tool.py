# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every package manager can do for this collection, whatever it is called."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from typing import Iterable, Mapping, Sequence

from ._command import run, tail
from ._errors import CrossbuildError

# In the words of the C library, apt, dnf and pacman; in lower case.
_FULL = ("no space left on device", "enough free space", "more space needed", "not enough free disk space")


class PackageManager(ABC):
    """One package manager. ``lock_timeout`` is how long another run of it is waited for, in seconds."""

    name = ""
    # What to do about a release that apt does not know is not the same as for a manager that knows no releases.
    knows_releases = False

    def __init__(self, lock_timeout: int = 300) -> None:
        self.lock_timeout = lock_timeout

    @abstractmethod
    def installed(self) -> dict[str, str]:
        """Versions by package name."""

    @abstractmethod
    def offers(self, name: str, release: str = "") -> list[str]:
        """The versions that can be had under this very name, the one that would be taken first.

        Virtual packages do not count, nor do empty ones that stand for a successor. Empty where there is none.
        """

    @abstractmethod
    def update(self) -> None:
        """Brings the package lists up to date."""

    @abstractmethod
    def install(self, names: Iterable[str], versions: Mapping[str, str] | None = None, release: str = "") -> None:
        """Installs packages and what they depend on; those in ``versions`` in that version, be it an older one.

        Raises CrossbuildError with the package manager's own words.
        """

    @abstractmethod
    def _dependents(self, names: set[str]) -> set[str]:
        """The packages besides these that could not stay without them."""

    @abstractmethod
    def _purge(self, names: list[str]) -> None:
        """Removes packages that nothing else needs."""

    @abstractmethod
    def _lock_holders(self, said: str) -> list[str] | None:
        """Who holds the lock that a failed command complained about; None where that was not the complaint."""

    def available(self, name: str) -> bool:
        return bool(self.offers(name))

    def repair(self) -> None:  # noqa: B027
        """Finishes what an interrupted run left half done, where the package manager does not do so by itself."""

    def unfinished(self) -> set[str]:
        """The packages that an interrupted run left neither installed nor gone, where there is such a thing."""
        return set()

    def remove(self, names: Iterable[str]) -> list[str]:
        """Removes packages, and returns those it kept because something that is not among them needs them."""
        going = set(names)
        while going and self._dependents(going):
            # None of them alone, but all together: as where something needs one or the other. Then all stay.
            going -= {name for name in going if self._dependents({name}) - going} or set(going)
        if going:
            self._purge(sorted(going))
        return sorted(set(names) - going)

    def _run(self, command: Sequence[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command, again and again while somebody else holds the package manager's lock."""
        deadline = time.monotonic() + self.lock_timeout
        while True:
            done = run(command, env)
            holders = self._lock_holders(done.stderr + done.stdout) if done.returncode != 0 else None
            if holders is None:
                return done
            if time.monotonic() >= deadline:
                raise CrossbuildError(
                    f"{self.name} is locked, after {self.lock_timeout} s of waiting still, by"
                    f" {', '.join(holders) or 'a process that is not to be seen from here'}. Wait for it or end it, and run"
                    f" this again. It said: {tail(done.stderr, 3)}"
                )
            time.sleep(min(1, self.lock_timeout))

    def _require(self, command: Sequence[str], env: dict[str, str] | None = None, what: str = "") -> str:
        """The output of a command that must succeed."""
        done = self._run(command, env)
        if done.returncode != 0:
            raise CrossbuildError(
                f"{self.name} could not {what or ' '.join(command)}: {tail(done.stderr) or tail(done.stdout) or 'no word why'}\n"
                f"{advice(done.stderr)}"
            )
        return done.stdout


def advice(said: str) -> str:
    """What to do where a package manager said that it failed."""
    if any(words in said.lower() for words in _FULL):
        return "Make room on that disk, then run this again."
    return "Look at the host's package sources and network, then run this again."
