# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build from beginning to end: followed, told of, and explained where it fails."""

from __future__ import annotations

from contextlib import closing

from . import _build_faults
from ._build_log import BuildLog
from ._build_source import Source
from ._build_task import BuildTask
from ._builder import Request
from ._emulators import Emulator


def run(task: BuildTask, source: Source, request: Request, emulator: Emulator | None) -> str:
    """The ID of the image. ``emulator`` runs the steps. Raises CrossbuildError with the step that failed, and why."""
    task.now("sending the build context")
    progress = task.progress.build(str(request.platform), len(source.dockerfile.instructions))
    log = BuildLog(source.dockerfile, progress, emulator, [secret.text() for secret in request.secrets])
    task.now_as(log.where)
    try:
        with closing(task.builder.build(source, request)) as events:
            return log.follow(_build_faults.explained(events, task.engine, task.builder.engine_bases))
    finally:
        progress.ended()
