# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any


class CrossbuildError(Exception):
    """The one error of this collection.

    The message says what was found, what was expected and what to do.
    Keyword arguments become extra keys of the failed task's result, for playbooks to act on.
    """

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result
