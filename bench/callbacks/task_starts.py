# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints when each task of a play begins, and when the last one has ended: ``started SECONDS NAME``."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_starts
type: aggregate
short_description: Prints when each task begins
description: For the benchmarks of trusted.crossbuild.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_starts"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._display.display(f"started {time.monotonic()} {task.get_name()}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._display.display(f"started {time.monotonic()} the end")
