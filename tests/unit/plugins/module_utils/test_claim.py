# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims to a registry in memory, with a clock that is a hundred times as fast. The target image_farm has a real one."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _claim, _ledger_entry
from ansible_collections.trusted.crossbuild.plugins.module_utils._claim import Claim
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

TAG = _ledger_entry.claim_tag("build")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"_SETTLE": 0.05, "_LOOK": 0.02, "_RENEW": 0.05, "_DEAD": 0.4}.items():
        monkeypatch.setattr(_claim, name, seconds)


def claim(memory: Any, host: str) -> Claim:
    return Claim(lambda: memory, "ledger", "build", host)


def owner(memory: Any) -> str:
    return _ledger_entry.holder(memory.manifest("ledger", TAG))[1]


def test_of_many_one_builds_at_a_time(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, put = threading.Barrier(6), memory.put_manifest

    def put_slowly(*what: Any) -> None:
        if len(memory.written) < 6 and not at_once.broken:
            at_once.wait(5)  # so that all of them have seen that there is no claim
        put(*what)

    monkeypatch.setattr(memory, "put_manifest", put_slowly)
    done: list[str] = []
    building: list[str] = []
    overlaps: list[list[str]] = []
    waited: set[str] = set()

    def build(host: str) -> None:
        mine = claim(memory, host)
        if mine.take(lambda: bool(done), waited.add):
            building.append(host)
            time.sleep(0.6)  # longer than a claim lives that nobody renews
            overlaps.append(list(building))
            building.remove(host)
            done.append(host)
            mine.give_up()

    threads = [threading.Thread(target=build, args=(f"host{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(done) == 1
    assert overlaps == [done]
    assert waited == set(done)
    assert owner(memory) == ""


def test_one_that_was_given_up_is_taken_at_once(memory: Any) -> None:
    first, second = claim(memory, "first"), claim(memory, "second")
    assert first.take(lambda: False, lambda _host: None)
    first.give_up()
    begun = time.monotonic()
    assert second.take(lambda: False, lambda _host: None)
    assert time.monotonic() - begun < 0.35
    assert (owner(memory), first.problem) == ("second", "")
    second.give_up()


def test_one_whose_holder_died_is_taken_after_a_while(memory: Any) -> None:
    memory.put_manifest("ledger", TAG, _ledger_entry.claim("dead", "dead", 0))
    waited: list[str] = []
    begun = time.monotonic()
    mine = claim(memory, "me")
    assert mine.take(lambda: False, waited.append)
    assert time.monotonic() - begun > 0.4
    assert set(waited) == {"dead"}
    mine.give_up()


def test_what_was_done_between_two_looks_is_not_done_again(memory: Any) -> None:
    answers = iter([False, True])
    assert not claim(memory, "me").take(lambda: next(answers), lambda _host: None)
    assert owner(memory) == ""


def test_one_that_another_host_took_is_not_taken_back(memory: Any) -> None:
    mine = claim(memory, "me")
    assert mine.take(lambda: False, lambda _host: None)
    other = _ledger_entry.claim("other", "other", 0)
    memory.put_manifest("ledger", TAG, other)
    time.sleep(0.2)
    mine.give_up()
    assert memory.manifest("ledger", TAG) == other
    assert "another host has taken it" in mine.problem


def test_a_registry_that_goes_away_is_told_and_ends_no_build(memory: Any) -> None:
    mine = claim(memory, "me")
    assert mine.take(lambda: False, lambda _host: None)
    memory.refused = TAG
    mine.give_up()
    assert mine.problem == "refused"


def test_a_registry_that_takes_nothing_is_told_at_once(memory: Any) -> None:
    memory.refused = TAG
    with pytest.raises(CrossbuildError, match="refused"):
        claim(memory, "me").take(lambda: False, lambda _host: None)
