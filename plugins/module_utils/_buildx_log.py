# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``docker buildx build --progress=rawjson`` tells of a build, as events.

It is a stream of objects, until buildx 0.14 indented over many lines, since then one a line; in the end, where the build
failed, text. An object holds ``vertexes``, of which one that is named ``[stage 2/3] RUN make`` is a step of the Dockerfile,
and ``logs`` in base64. Times tell what a vertex has come to: neither, ``started``, ``completed``. See SolveStatus in
https://github.com/moby/buildkit/blob/master/client/graph.go.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Iterator

from ._accelerator_tools import PREFIX
from ._build_log import Activity, Event, Failed, Output, StepEnded, StepStarted
from ._dockerfile import Dockerfile, Stage

# In a build for several platforms, or on another one, the platform comes first.
_VERTEX = re.compile(r"\[(?:\S*/\S+ +)?(?:(\S+) +)?(\d+)/(\d+)\] (.*)", re.DOTALL)
# Instructions that make a vertex.
_LAYERS = ("ADD", "COPY", "RUN", "WORKDIR")
_STATUS = re.compile(r"exit code: (\d+)\s*$")
# The mount by which a step is accelerated, which is not in the Dockerfile that the user knows.
_ACCELERATOR = re.compile(rf" --mount=\S*,target={re.escape(PREFIX)}(?=\s)")
# What the steps say that were ended because another one failed.
_CANCELLED = "context canceled"


class BuildxLog:
    """Takes what buildx writes, line by line."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self._dockerfile = dockerfile
        self._json = ""
        self._text: list[str] = []
        self._steps: dict[str, int] = {}
        self._started: set[str] = set()
        self._completed: set[str] = set()
        self._failure: Failed | None = None

    def take(self, line: str) -> Iterator[Event]:
        if not self._json and not line.startswith("{"):
            self._text.append(line)
            return
        self._json += line
        # Inside of an indented object every line is indented.
        if line.rstrip() == "}" or (line.startswith("{") and line.rstrip().endswith("}")):
            whole, self._json = json.loads(self._json), ""
            yield from self._object(whole)

    def failure(self) -> Failed:
        """Why the build failed, once buildx has ended."""
        said = "".join([*self._text, self._json]).strip()
        return self._failure or Failed(_ACCELERATOR.sub("", said) or "buildx ended without a word")

    def _object(self, whole: dict[str, Any]) -> Iterator[Event]:
        for vertex in whole.get("vertexes") or []:
            yield from self._vertex(vertex)
        for entry in whole.get("logs") or []:
            if entry["vertex"] in self._steps:
                text = base64.b64decode(entry["data"]).decode("utf-8", "replace")
                yield Output(self._steps[entry["vertex"]], text)

    def _vertex(self, vertex: dict[str, Any]) -> Iterator[Event]:
        digest = vertex["digest"]
        if vertex.get("started") and digest not in self._started:
            self._started.add(digest)
            yield self._start(digest, vertex["name"])
        step = self._steps.get(digest)
        error = vertex.get("error")
        if error and _CANCELLED not in error:
            status = _STATUS.search(error)
            self._failure = self._failure or Failed(error, step, int(status.group(1)) if status else None)
        elif vertex.get("completed") and not error and digest not in self._completed:
            self._completed.add(digest)
            if step is not None:
                yield StepEnded(step, bool(vertex.get("cached")))

    def _start(self, digest: str, name: str) -> Event:
        found = _VERTEX.match(name)
        if not found:
            return Activity(name[len("[internal] ") :] if name.startswith("[internal] ") else name)
        stage, number, total = found.group(1) or "", int(found.group(2)), int(found.group(3))
        text = _ACCELERATOR.sub("", found.group(4))
        self._steps[digest] = self._step(self._stage(stage), number, total)
        return StepStarted(self._steps[digest], text)

    def _stage(self, name: str) -> Stage:
        stages = self._dockerfile.stages
        named = [stage for stage in stages if name in (stage.name, f"stage-{stage.index}")]
        # Where there is only one, BuildKit does not name it.
        return named[-1] if named else stages[-1]

    def _step(self, stage: Stage, number: int, total: int) -> int:
        """Which instruction of the Dockerfile, from 1, a stage's step ``number`` of ``total`` is."""
        first = next(index for index, one in enumerate(self._dockerfile.instructions, 1) if one.start == stage.line)
        layers = [first + 1 + index for index, one in enumerate(stage.instructions) if one.keyword in _LAYERS]
        # Before them come the FROM, unless it is from scratch or another stage, and what the base image brings (ONBUILD).
        before = total - len(layers)
        if number > before:
            return layers[number - before - 1]
        # What is not in this Dockerfile has a number that is not, either.
        return first if number == 1 else -len(self._started)
