# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine's classic builder tells of a build, as events."""

from __future__ import annotations

import re
from typing import Any, Generator, Iterable

from ._build_log import Built, Event, Failed, Output, StepEnded, StepStarted

_STEP = re.compile(r"^Step (\d+)/\d+ : (.*)")
_OF_THE_ENGINE = re.compile(r"^( ---> |Removing intermediate container [0-9a-f]+$)")
_CACHED = " ---> Using cache"
# The engine puts what a step wrote to its standard error in red.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def events(answers: Iterable[dict[str, Any]]) -> Generator[Event, None, None]:
    """Steps come one after the other, a line ends where the next answer says so, and the last image is the result."""
    step, cached, partial = 0, False, ""
    for answer in answers:
        if "error" in answer:
            if partial:
                yield Output(step, partial)
            status = (answer.get("errorDetail") or {}).get("code")
            yield Failed(str(answer["error"]), step or None, status)
            return
        if "ID" in (answer.get("aux") or {}):
            yield Built(answer["aux"]["ID"])
        *lines, partial = (partial + _COLOUR.sub("", answer.get("stream", ""))).split("\n")
        for line in lines:
            found = _STEP.match(line)
            if found:
                if step:
                    yield StepEnded(step, cached)
                step, cached = int(found.group(1)), False
                yield StepStarted(step, found.group(2))
            elif line == _CACHED:
                cached = True
            elif not _OF_THE_ENGINE.match(line):
                yield Output(step, line + "\n")
    if step:
        yield StepEnded(step, cached)
