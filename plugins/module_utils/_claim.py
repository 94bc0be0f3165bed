# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who builds what at the moment, as a tag of the ledger: of several hosts one builds, and the others wait.

A registry cannot compare and swap. So a claim is written, and counts when it is still there after a while; a later one that
was written in between has replaced it. Its holder renews it for as long as it lives, and others take it that see it unchanged
for too long, each by its own clock. Where a host is slower than that allows for two may hold one claim: then the same is
built twice, in vain, and either result is right.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Callable

from . import _ledger_entry
from ._errors import CrossbuildError
from ._ledger_entry import NOBODY
from ._registry import Registry

# Seconds for a claim to settle, or three times what writing it took, as others take about as long.
_SETTLE = 0.5
_SLOWER = 3
# Seconds between two looks of those that wait, between two renewals, and after how many without one a holder counts as dead.
_LOOK = 1.0
_RENEW = 5.0
_DEAD = 20.0


class Claim:
    """The right to do one build. ``connect`` gives a connection to the registry, of which each thread needs its own."""

    def __init__(self, connect: Callable[[], Registry], repository: str, build: str, host: str) -> None:
        self._connect = connect
        self._registry = connect()
        self._repository = repository
        self._tag = _ledger_entry.claim_tag(build)
        self._holder = uuid.uuid4().hex
        self._host = host
        self._ended = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)
        self._beat = 0
        self.problem = ""

    def take(self, is_done: Callable[[], bool], tell: Callable[[str], None]) -> bool:
        """Waits until it is this one's turn, which is then so until ``give_up``; or False, as somebody else has done it.

        ``tell`` is called with the host that is waited for. Raises CrossbuildError where the registry does not answer.
        """
        seen, since = None, time.monotonic()
        while not is_done():
            asked = time.monotonic()
            found = self._registry.manifest(self._repository, self._tag)
            if found != seen:
                seen, since = found, asked
            owner, host = _ledger_entry.holder(found)
            if owner == NOBODY or asked - since > _DEAD:
                if self._settles(asked):
                    return self._begin(is_done)
            else:
                tell(host)
                time.sleep(_LOOK)
        return False

    def _settles(self, asked: float) -> bool:
        """Writes the claim. Whether nobody else's is there after a while."""
        self._write(self._registry)
        time.sleep(max(_SETTLE, _SLOWER * (time.monotonic() - asked)))
        return self._is_ours(self._registry)

    def _begin(self, is_done: Callable[[], bool]) -> bool:
        """The one before may have done it between the last look and its giving up."""
        self._renewal.start()
        if not is_done():
            return True
        self.give_up()
        return False

    def give_up(self) -> None:
        """Lets others have it at once. What cannot be written is over by itself after a while: ``problem`` says why."""
        self._ended.set()
        self._renewal.join()
        try:
            if self._is_ours(self._registry):
                free = _ledger_entry.claim(NOBODY, "", 0)
                self._registry.put_manifest(self._repository, self._tag, free)
        except CrossbuildError as exc:
            self.problem = str(exc)

    def _renew(self) -> None:
        registry = self._connect()
        while not self._ended.wait(_RENEW):
            try:
                if not self._is_ours(registry):
                    self.problem = "another host has taken it, and builds the same"
                    return
                self._beat += 1
                self._write(registry)
            except CrossbuildError as exc:
                self.problem = str(exc)  # and it is tried again

    def _write(self, registry: Registry) -> None:
        claim = _ledger_entry.claim(self._holder, self._host, self._beat)
        registry.put_manifest(self._repository, self._tag, claim)

    def _is_ours(self, registry: Registry) -> bool:
        return _ledger_entry.holder(registry.manifest(self._repository, self._tag))[0] == self._holder
