# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a build, whoever carries it out: what step it is at, what the step said, how it failed."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Iterable, Union

from ._dockerfile import Dockerfile
from ._emulators import Emulator, describe
from ._errors import CrossbuildError
from ._progress import BuildProgress

_TAIL = 20
# How an emulator that crashes looks from outside: its own words, or the status of a program killed by SIGILL, SIGABRT
# or SIGSEGV (128 + signal).
_CRASH_WORDS = "qemu: uncaught target signal"
_CRASH_STATUS = {132: "SIGILL", 134: "SIGABRT", 139: "SIGSEGV"}
# Shorter lines of a secret are left in the output: a brace is in every second line of anything.
_SHORTEST_HIDDEN = 4


@dataclass(frozen=True)
class Activity:
    """What goes on outside of any step."""

    text: str


@dataclass(frozen=True)
class StepStarted:
    """``step`` counts the Dockerfile's instructions from 1. Steps may overlap, and be left out."""

    step: int
    text: str


@dataclass(frozen=True)
class Output:
    """What a step wrote, not necessarily whole lines."""

    step: int
    text: str


@dataclass(frozen=True)
class StepEnded:
    step: int
    cached: bool = False


@dataclass(frozen=True)
class Failed:
    """The end of a build. Without ``step`` it failed outside of any; ``status`` is the exit status of a RUN.

    ``advice`` says why and what to do, where that is known: then it is the host that is to blame, or with ``by_node`` the node of
    the builder.
    """

    message: str
    step: int | None = None
    status: int | None = None
    advice: str = ""
    by_node: bool = False


@dataclass(frozen=True)
class Built:
    image_id: str


Event = Union[Activity, StepStarted, Output, StepEnded, Failed, Built]


@dataclass
class _Step:
    text: str
    output: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))
    partial: str = ""
    started: float = field(default_factory=time.monotonic)


class BuildLog:
    """Reads the events of a build, keeps the end of the output of the steps that run. No line of a secret is kept."""

    def __init__(
        self, dockerfile: Dockerfile, progress: BuildProgress, emulator: Emulator | None, secrets: Iterable[str] = ()
    ) -> None:
        self._instructions = dockerfile.instructions
        self._progress = progress
        self._emulator = emulator
        self._hidden = sorted(
            {line.strip() for text in secrets for line in text.splitlines() if len(line.strip()) >= _SHORTEST_HIDDEN},
            key=len,
            reverse=True,
        )
        self._running: dict[int, _Step] = {}
        self._activity = "sending the build context"
        self._image_id = ""

    def follow(self, events: Iterable[Event]) -> str:
        """The ID of the image built. Raises CrossbuildError naming the step that failed, with the end of its output."""
        outcome = "failed"
        try:
            for event in events:
                self._take(event)
            outcome = "ok"
        finally:
            self._end_all(outcome)
        if not self._image_id:
            raise CrossbuildError(
                f"The engine ended the build without an image and without an error, at {self.where()}."
            )
        return self._image_id

    def _take(self, event: Event) -> None:
        if isinstance(event, Output):
            self._output(event)
        elif isinstance(event, StepStarted):
            self._running[event.step] = _Step(event.text)
            if self._known(event.step):
                self._progress.step_started(event.step, self._instructions[event.step - 1].original)
        elif isinstance(event, StepEnded):
            self._end(event.step, "cached" if event.cached else "ok")
        elif isinstance(event, Activity):
            self._activity = event.text
        elif isinstance(event, Built):
            self._image_id = event.image_id
        else:
            raise self._failure(event)

    def _output(self, event: Output) -> None:
        step = self._running.get(event.step)
        if step:
            *lines, step.partial = (step.partial + event.text).split("\n")
            for line in (self._hide(line.rstrip()) for line in lines if line.strip()):
                step.output.append(line)
                if self._known(event.step):
                    self._progress.output(event.step, line)

    def _end(self, number: int, outcome: str) -> None:
        step = self._running.pop(number, None)
        if step and self._known(number):
            self._progress.step_ended(number, time.monotonic() - step.started, outcome)

    def _end_all(self, outcome: str) -> None:
        for number in list(self._running):
            self._end(number, outcome)

    def _known(self, step: int) -> bool:
        """Whether it is a step of the Dockerfile. The classic builder adds one for every label, a base image may, too."""
        return 0 < step <= len(self._instructions)

    def _hide(self, text: str) -> str:
        for secret in self._hidden:
            text = text.replace(secret, "********")
        return text

    def where(self) -> str:
        """The current step in words, with its line in the Dockerfile. Of several, the one that has run longest."""
        return next((self._words(step, run.text) for step, run in self._running.items()), self._activity)

    def _words(self, step: int, text: str) -> str:
        if not self._known(step):
            return text
        return f"step {step} of {len(self._instructions)}, line {self._instructions[step - 1].start}: {text}"

    def _failure(self, event: Failed) -> CrossbuildError:
        number, step = self._failed(event)
        output = [*step.output, *([self._hide(step.partial)] if step.partial.strip() else [])] if step else []
        crashed = any(_CRASH_WORDS in line for line in output) or event.status in _CRASH_STATUS
        where = self._words(number, step.text) if step else self._activity
        message = f"The build failed at {where}: {self._hide(event.message.strip())}"
        if crashed:
            signal = f" ({_CRASH_STATUS[event.status]})" if event.status in _CRASH_STATUS else ""
            message += f"\nThe emulator, or the program it ran, crashed{signal}. {self._remedy()}"
        elif "exec format error" in message + " ".join(output):
            message += (
                "\nThis host cannot execute programs of that platform: register its emulator with trusted.crossbuild.binfmt,"
                " and see trusted.crossbuild.platform_info for what is missing."
            )
        if event.advice:
            message += f"\n{event.advice}"
        if output:
            message += f"\nThe last {len(output)} lines of its output:\n" + "\n".join(output)
        host_fault = {"host_fault": True} if event.advice else {}
        if event.by_node:
            host_fault["node_fault"] = True
        return CrossbuildError(message, step=max(number, 0), output=output, emulator_crashed=crashed, **host_fault)

    def _failed(self, event: Failed) -> tuple[int, _Step | None]:
        if event.step is not None:
            return event.step, self._running.get(event.step)
        # The step that runs is the one that the engine speaks of.
        return next(iter(self._running.items()), (0, None))

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
