# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that a person sees of a build, made of what ``module_utils/_progress.py`` wrote. Prints nothing itself.

One host must not flood the screen, nor many together:

- Lines come in batches, with a pause between two that grows with the number of hosts.
- A step that takes less than a second is one line, when it ended; of another, start and end are two.
- Many that ended since the last batch are one line together, and so are the cached ones. A failed one is not. How many
  are many depends on the number of hosts, too.
- A build from which there is nothing to tell says so every ten seconds; with many hosts, less often.

With ``output`` (``-v``) every line comes, and at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Ended steps of one batch that are told one by one where one host builds; with several hosts, fewer.
_ONE_BY_ONE = 3
# Seconds for which a step is not announced: it may just as well have ended by then.
_QUICK = 1.0
# Characters of an instruction.
_LONGEST = 100
# A step writes what it likes, and must not move the cursor of the person who looks on.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]")


@dataclass
class _Running:
    text: str
    since: float
    announced: bool = False


class BuildLines:
    """What to print about the builds of one task on one host. ``now`` is seconds of any clock that only goes forward."""

    def __init__(self, host: str, hosts: int, output: bool, now: float) -> None:
        self.pause = max(1.0, hosts / 4)
        self._one_by_one = max(1, _ONE_BY_ONE + 1 - hosts)
        self._host = host
        self._output = output
        self._silence = max(10.0, float(hosts))
        self._printed = self._began = now
        self._activity = ""
        self._partial = ""
        self._running: dict[tuple[str, int, int], _Running] = {}
        self._ended: list[dict[str, Any]] = []
        self._lines: list[str] = []
        self._readers: dict[str, Callable[[dict[str, Any], float], None]] = {
            "activity": self._take_activity,
            "build_started": lambda event, now: None,
            "step_started": self._take_start,
            "output": self._take_output,
            "step_ended": self._take_end,
            "build_ended": self._take_build_end,
        }

    def take(self, text: str, now: float) -> None:
        """Reads on: ``text`` continues what was given before, and may end within a line."""
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            event = json.loads(line)
            self._readers[event["event"]](event, now)

    def due(self, now: float, end: bool = False) -> list[str]:
        """What to print now. ``end``: nothing will follow."""
        if now - self._printed < self.pause and not (end or self._output):
            return []
        self._tell_ended()
        if not end:
            self._announce(now)
            if not self._lines and now - self._printed >= self._silence:
                self._say(self._still_running(now))
        lines, self._lines = self._lines, []
        if lines:
            self._printed = now
        return lines

    def _take_activity(self, event: dict[str, Any], now: float) -> None:
        self._activity, self._began = event["text"], now

    def _take_start(self, event: dict[str, Any], now: float) -> None:
        self._running[_key(event)] = _Running(_short(event["text"]), now)
        if self._output:
            self._announce(now)

    def _take_output(self, event: dict[str, Any], now: float) -> None:
        if self._output:
            self._say(f"{_place(event)} | {event['text']}")

    def _take_end(self, event: dict[str, Any], now: float) -> None:
        self._ended.append({**event, "text": self._running.pop(_key(event)).text})
        if self._output:
            self._tell_ended()

    def _take_build_end(self, event: dict[str, Any], now: float) -> None:
        self._running = {key: step for key, step in self._running.items() if key[0] != event["platform"]}
        self._activity, self._began = "", now

    def of_host(self, text: str) -> str:
        return f"{self._host} {_CONTROL.sub(' ', text)}"

    def _say(self, text: str) -> None:
        self._lines.append(self.of_host(text))

    def _announce(self, now: float) -> None:
        for key, step in sorted(self._running.items()):
            if not step.announced and (self._output or now - step.since >= _QUICK):
                step.announced = True
                self._say(f"{_named(*key)} {step.text} ...")

    def _tell_ended(self) -> None:
        ended, self._ended = self._ended, []
        for platform in dict.fromkeys(step["platform"] for step in ended):
            self._tell_ended_of(platform, [step for step in ended if step["platform"] == platform])

    def _tell_ended_of(self, platform: str, ended: list[dict[str, Any]]) -> None:
        cached = [step for step in ended if step["outcome"] == "cached"]
        done = [step for step in ended if step["outcome"] == "ok"]
        if cached and self._output:
            self._say(f"{_place(cached[0])} {cached[0]['text']} ... cached")
        elif cached:
            self._say(f"{platform} {len(cached)} of {cached[0]['steps']} steps cached")
        if len(done) > self._one_by_one and not self._output:
            seconds = sum(step["seconds"] for step in done)
            self._say(f"{_place(done[0])} to {_number(done[-1])} ... {len(done)} steps, {seconds:.1f} s")
            done = []
        for step in done:
            self._say(f"{_place(step)} {step['text']} ... {step['seconds']:.1f} s")
        for step in ended:
            if step["outcome"] == "failed":
                self._say(f"{_place(step)} {step['text']} ... failed after {step['seconds']:.1f} s")

    def _still_running(self, now: float) -> str:
        if not self._running:
            doing = f" {self._activity}," if self._activity else ""
            return f"still running:{doing} {now - self._began:.0f} s"
        (platform, number, steps), step = max(self._running.items(), key=lambda item: -item[1].since)
        return f"{platform} still running: step {number}/{steps}, {now - step.since:.0f} s"


def _key(event: dict[str, Any]) -> tuple[str, int, int]:
    return event["platform"], event["step"], event["steps"]


def _named(platform: str, number: int, steps: int) -> str:
    return f"{platform} [{number}/{steps}]"


def _place(event: dict[str, Any]) -> str:
    return _named(*_key(event))


def _number(event: dict[str, Any]) -> str:
    return f"[{event['step']}/{event['steps']}]"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
