# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit on the time that something may take."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from ._errors import CrossbuildError

# Seconds between two attempts. Python drops an exception that arrives in a finaliser, and cleaning up may hang as well.
_AGAIN = 5.0


class TimedOut(CrossbuildError):
    """There is no time left, for whatever else is to be done."""


@contextmanager
def limit(seconds: int | None, where: Callable[[], str]) -> Iterator[None]:
    """Ends what runs inside after so many seconds, by TimedOut, which names ``where()`` it was then.

    It is ended for sure: the exception is raised again as long as something inside goes on. None is no limit.
    """

    def expire(_signal: int, _frame: Any) -> None:
        raise TimedOut(
            f"The build was ended after {seconds} seconds (timeout), at {where()}."
            " Raise the timeout if that is merely slow, as emulated steps are; if it hangs, run it by itself."
        )

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds or 0, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
