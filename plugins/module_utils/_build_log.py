# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a classic build: what step it is at, what the step said, how it failed."""

from __future__ import annotations

import re
import time
from collections import deque
from typing import Any, Iterable

from ._dockerfile import Dockerfile
from ._emulators import Emulator, describe
from ._errors import CrossbuildError
from ._progress import BuildProgress

_STEP = re.compile(r"^Step (\d+)/\d+ : (.*)")
_OF_THE_ENGINE = re.compile(r"^( ---> |Removing intermediate container [0-9a-f]+$)")
_CACHED = " ---> Using cache"
_TAIL = 20
# The engine puts what a step wrote to its standard error in red.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# How an emulator that crashes looks from outside: its own words, or the status of a program killed by SIGILL, SIGABRT
# or SIGSEGV (128 + signal).
_CRASH_WORDS = "qemu: uncaught target signal"
_CRASH_STATUS = {132: "SIGILL", 134: "SIGABRT", 139: "SIGSEGV"}


class BuildLog:
    """Reads the engine's events, keeps the end of the current step's output."""

    def __init__(self, dockerfile: Dockerfile, progress: BuildProgress, emulator: Emulator | None) -> None:
        self._dockerfile = dockerfile
        self._progress = progress
        self._emulator = emulator
        self._started = 0.0
        self._cached = False
        self._output: deque[str] = deque(maxlen=_TAIL)
        self._partial = ""
        self.step = 0
        self.instruction = "sending the build context"
        self.image_id: str | None = None

    def follow(self, events: Iterable[dict[str, Any]]) -> str:
        """The ID of the image built. Raises CrossbuildError naming the step that failed, with the end of its output."""
        try:
            for event in events:
                if "error" in event:
                    raise self._failure(event)
                if "ID" in (event.get("aux") or {}):
                    self.image_id = event["aux"]["ID"]
                self._take(event.get("stream", ""))
        except Exception:
            self._end_step("failed")
            raise
        self._end_step("ok")
        if not self.image_id:
            raise CrossbuildError(
                f"The engine ended the build without an image and without an error, at {self.where()}."
            )
        return self.image_id

    def _take(self, text: str) -> None:
        *lines, self._partial = (self._partial + _COLOUR.sub("", text)).split("\n")
        for line in lines:
            found = _STEP.match(line)
            if found:
                self._end_step("ok")
                self.step, self.instruction = int(found.group(1)), found.group(2)
                self._started, self._cached = time.monotonic(), False
                self._tell_start()
                self._output.clear()
            elif line == _CACHED:
                self._cached = True
            elif line.strip() and not _OF_THE_ENGINE.match(line):
                self._output.append(line.rstrip())
                if self._known():
                    self._progress.output(self.step, line)

    def _known(self) -> bool:
        """Whether the step is one of the Dockerfile's. The engine adds one for every label that the build is given."""
        return 0 < self.step <= len(self._dockerfile.instructions)

    def _tell_start(self) -> None:
        if self._known():
            self._progress.step_started(self.step, self._dockerfile.instructions[self.step - 1].original)

    def _end_step(self, outcome: str) -> None:
        if self._known():
            seconds = time.monotonic() - self._started
            self._progress.step_ended(self.step, seconds, "cached" if self._cached else outcome)

    def where(self) -> str:
        """The current step in words, with its line in the Dockerfile."""
        if not self._known():
            return self.instruction
        instructions = self._dockerfile.instructions
        return f"step {self.step} of {len(instructions)}, line {instructions[self.step - 1].start}: {self.instruction}"

    def _failure(self, event: dict[str, Any]) -> CrossbuildError:
        output = list(self._output) + ([self._partial] if self._partial.strip() else [])
        status = (event.get("errorDetail") or {}).get("code")
        crashed = any(_CRASH_WORDS in line for line in output) or status in _CRASH_STATUS
        message = f"The build failed at {self.where()}: {str(event['error']).strip()}"
        if crashed:
            signal = f" ({_CRASH_STATUS[status]})" if status in _CRASH_STATUS else ""
            message += f"\nThe emulator, or the program it ran, crashed{signal}. {self._remedy()}"
        elif "exec format error" in message + " ".join(output):
            message += (
                "\nThis host cannot execute programs of that platform: register its emulator with trusted.crossbuild.binfmt,"
                " and see trusted.crossbuild.platform_info for what is missing."
            )
        if output:
            message += f"\nThe last {len(output)} lines of its output:\n" + "\n".join(output)
        return CrossbuildError(message, step=self.step, output=output, emulator_crashed=crashed)

    def _remedy(self) -> str:
        """Which emulator it was, and what helps."""
        by_itself = "Run the step by itself to see which it was"
        if not self._emulator:
            return f"{by_itself}; a newer QEMU on the engine's host may help."
        described, warnings = describe([self._emulator])
        version = next(iter(described.values()))["version"]
        return " ".join(
            [
                f"The emulator is QEMU {version}, {self._emulator.path}.",
                *warnings,
                f"{by_itself}; another version of QEMU comes with the options version and source of"
                " trusted.crossbuild.qemu_user_static.",
            ]
        )
