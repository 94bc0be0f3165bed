# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build with native tools where that is possible, and without them where they are lost on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import _acceleration, _build_run
from ._build_source import Source
from ._build_task import BuildTask
from ._builder import Request
from ._deadline import TimedOut
from ._emulators import Emulator
from ._errors import CrossbuildError


def run(
    task: BuildTask, source: Source, request: Request, emulator: Emulator | None
) -> tuple[str, list[dict[str, Any]]]:
    """The ID of the image, and what is to be told of each stage that is emulated. Raises CrossbuildError as a build does."""
    planned = _acceleration.plan(task, source, request.platform)
    told = [one.describe() for one in planned.stages]
    if planned.dockerfile is None:
        return _build_run.run(task, source, request, emulator), told
    try:
        built = _build_run.run(task, source, replace(request, dockerfile=planned.dockerfile), emulator)
    except TimedOut:
        raise
    except CrossbuildError as exc:
        gone = planned.gone(task)
        if not gone or task.params["accelerate"] == "true":
            words = f"{', '.join(gone)} went away while it was built." if gone else _advice(exc)
            raise CrossbuildError(f"{exc} {words}".rstrip(), **{**exc.result, "acceleration": told}) from exc
        task.warnings.append(
            f"{', '.join(gone)} went away while {request.platform} was built, which was begun again without."
        )
        reason = "the accelerator went away while this was built"
        return _build_run.run(task, source, request, emulator), [
            {**one, "accelerator": None, "reason": one["reason"] or reason} for one in told
        ]
    interrupted = planned.interrupted()
    if interrupted:
        task.warnings.append(interrupted)
        told = [{**one, "reason": one["reason"] or interrupted} for one in told]
    return built, told


def _advice(failure: CrossbuildError) -> str:
    if failure.result.get("host_fault"):
        return ""
    return "It was built with native tools: accelerate: false builds without, if they are to blame."
