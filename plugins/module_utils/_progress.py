# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a build tells while it goes on, as lines of JSON in a file that the controller follows.

The contract between who builds and who shows it. A builder says:

    progress = _progress.of(params)                    # does nothing where nobody follows
    progress.activity("pulling debian:12")             # what goes on outside of any step; replaces the one before
    build = progress.build("linux/arm/v7", steps=7)    # a build starts
    build.step_started(3, "RUN make all")         # the first line is shown
    build.output(3, "cc -c main.c")                    # one line of the step's own output
    build.step_ended(3, 41.2, "ok")                    # seconds, and "ok", "cached" or "failed"
    build.ended()                                      # also after a failure

Steps count from 1 to ``steps``, and a number means one step of this build. They may overlap, as BuildKit's do, be
told in any order, and be left out. One that ends has started, a cached one too. Secrets are the builder's to leave out.

The file is made when there is something to tell. An object a line, ASCII, written at once; each has the key ``event`` with one of

    activity      text
    build_started platform, steps
    step_started  platform, steps, step, text
    output        platform, steps, step, text          # only if asked for
    step_ended    platform, steps, step, seconds, outcome
    build_ended   platform, steps
"""

from __future__ import annotations

import json
from typing import Any

# Characters. The file is followed over a network, and a single line of output may be megabytes.
_LONGEST_TEXT = 500
# Bytes of output that one task may bring; steps are still told afterwards.
_MOST_OUTPUT = 8 * 1024 * 1024


def of(params: dict[str, Any]) -> Progress:
    """As the option ``_progress`` says, which is the action plugin's alone."""
    wanted = params.get("_progress") or {}
    return Progress(wanted.get("file"), bool(wanted.get("output")))


class Progress:
    """Writes what happens to a file; without one, nothing."""

    def __init__(self, path: str | None = None, output: bool = False) -> None:
        self._path = path
        self._output_left = _MOST_OUTPUT if output else 0

    def activity(self, text: str) -> None:
        self._write({"event": "activity", "text": _first_line(text)})

    def build(self, platform: str, steps: int) -> BuildProgress:
        return BuildProgress(self, platform, steps)

    def _write(self, event: dict[str, Any]) -> None:
        if self._path is None:
            return
        try:
            with open(
                self._path, "a", encoding="ascii"
            ) as file:  # which is there as soon as there is something to tell
                file.write(json.dumps(event) + "\n")
        except OSError:  # The disk is full: then the build has worse to tell than this, or does well without.
            self._path = None

    def _write_output(self, event: dict[str, Any]) -> None:
        if self._output_left > 0:
            self._output_left -= len(event["text"])
            self._write(event)
            if self._output_left <= 0:
                self._write({**event, "text": "(more output than is shown here)"})


class BuildProgress:
    """One build for one platform."""

    def __init__(self, progress: Progress, platform: str, steps: int) -> None:
        self._progress = progress
        self._common = {"platform": platform, "steps": steps}
        self._tell("build_started")

    def step_started(self, step: int, instruction: str) -> None:
        self._tell("step_started", step=step, text=_first_line(instruction))

    def output(self, step: int, line: str) -> None:
        self._progress._write_output({"event": "output", **self._common, "step": step, "text": _first_line(line)})

    def step_ended(self, step: int, seconds: float, outcome: str) -> None:
        self._tell("step_ended", step=step, seconds=round(seconds, 1), outcome=outcome)

    def ended(self) -> None:
        self._tell("build_ended")

    def _tell(self, event: str, **content: Any) -> None:
        self._progress._write({"event": event, **self._common, **content})


def _first_line(text: str) -> str:
    first, newline, _rest = text.strip().partition("\n")
    first = first.rstrip("\\ \r") if newline else first
    return first if len(first) <= _LONGEST_TEXT else first[:_LONGEST_TEXT] + "..."
