# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What takes too long is ended, whatever it is doing. The interval is shortened, the rest is real."""

from __future__ import annotations

import signal
import time
from typing import NoReturn

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _deadline
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_deadline, "_AGAIN", 0.2)


def test_what_takes_too_long_is_ended_and_named() -> None:
    begun = time.monotonic()
    said = r"after 1 seconds \(timeout\), at step 3 of 7"
    with pytest.raises(CrossbuildError, match=said), _deadline.limit(1, lambda: "step 3 of 7"):
        time.sleep(60)
    assert 1 <= time.monotonic() - begun < 30


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_also_where_python_drops_the_exception() -> None:
    class Finalised:
        def __del__(self) -> None:
            time.sleep(2)

    begun = time.monotonic()
    with pytest.raises(CrossbuildError), _deadline.limit(1, lambda: "here"):
        Finalised()
        time.sleep(60)
    assert time.monotonic() - begun < 30


def test_also_where_cleaning_up_hangs() -> None:
    begun = time.monotonic()
    with pytest.raises(CrossbuildError), _deadline.limit(1, lambda: "here"):
        try:
            time.sleep(60)
        finally:
            time.sleep(60)
    assert time.monotonic() - begun < 30


def test_afterwards_no_alarm_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_signal: int, _frame: object) -> NoReturn:
        raise AssertionError

    before = signal.signal(signal.SIGALRM, never)
    try:
        with _deadline.limit(1000, lambda: "here"):
            assert 999 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        assert signal.getsignal(signal.SIGALRM) is never
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("seconds", [None, 0])
def test_without_a_limit_there_is_none(seconds: int | None) -> None:
    with _deadline.limit(seconds, lambda: "here"):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
