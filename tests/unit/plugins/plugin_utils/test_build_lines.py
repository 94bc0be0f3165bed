# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of a build, and how much of it."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.trusted.crossbuild.plugins.plugin_utils._build_lines import BuildLines

PLATFORM = "linux/arm/v7"


class Watched:
    """Lines about a build of so many steps, with a clock that is set by hand."""

    def __init__(self, steps: int = 7, hosts: int = 1, output: bool = False) -> None:
        self.steps = steps
        self.now = 0.0
        self.lines = BuildLines("build1", hosts, output, self.now)

    def tell(self, event: str, **content: Any) -> None:
        content = {"event": event, "platform": PLATFORM, "steps": self.steps, **content}
        self.lines.take(json.dumps(content) + "\n", self.now)

    def start(self, step: int, text: str = "RUN make") -> None:
        self.tell("step_started", step=step, text=text)

    def end(self, step: int, seconds: float = 0.5, outcome: str = "ok") -> None:
        self.tell("step_ended", step=step, seconds=seconds, outcome=outcome)

    def at(self, now: float, end: bool = False) -> list[str]:
        self.now = now
        return self.lines.due(now, end)


def test_a_long_step_is_told_when_it_starts_and_when_it_ends() -> None:
    build = Watched()
    build.start(3)
    assert build.at(0.9) == []
    assert build.at(1.0) == [f"build1 {PLATFORM} [3/7] RUN make ..."]
    build.end(3, 41.2)
    assert build.at(42) == [f"build1 {PLATFORM} [3/7] RUN make ... 41.2 s"]


def test_a_quick_step_is_one_line() -> None:
    build = Watched()
    build.start(3)
    build.end(3)
    assert build.at(1) == [f"build1 {PLATFORM} [3/7] RUN make ... 0.5 s"]


def test_many_quick_steps_are_one_line() -> None:
    build = Watched()
    for step in range(2, 7):
        build.start(step)
        build.end(step)
    assert build.at(1) == [f"build1 {PLATFORM} [2/7] to [6/7] ... 5 steps, 2.5 s"]


def test_with_several_hosts_one_line_of_each_has_to_do() -> None:
    build = Watched(hosts=3)
    for step in (2, 3):
        build.start(step)
        build.end(step)
    assert build.at(1) == [f"build1 {PLATFORM} [2/7] to [3/7] ... 2 steps, 1.0 s"]


def test_cached_steps_are_counted() -> None:
    build = Watched()
    for step in range(1, 5):
        build.start(step)
        build.end(step, 0, "cached")
    assert build.at(1) == [f"build1 {PLATFORM} 4 of 7 steps cached"]


def test_a_failed_step_is_always_named() -> None:
    build = Watched()
    for step in range(1, 6):
        build.start(step)
        build.end(step, outcome="ok" if step < 5 else "failed")
    assert build.at(0.1, end=True)[-1] == f"build1 {PLATFORM} [5/7] RUN make ... failed after 0.5 s"


def test_silence_is_filled_every_ten_seconds() -> None:
    build = Watched()
    build.start(3)
    build.at(1)
    seen = {second: lines for second in range(2, 72) if (lines := build.at(second))}
    assert list(seen) == [11, 21, 31, 41, 51, 61, 71]
    assert seen[71] == [f"build1 {PLATFORM} still running: step 3/7, 71 s"]


def test_before_the_first_step_the_activity_is_named() -> None:
    build = Watched()
    build.lines.take('{"event": "activity", "text": "pulling debian"}\n', 2)
    assert build.at(12) == ["build1 still running: pulling debian, 10 s"]


def test_the_oldest_of_steps_at_the_same_time_is_named() -> None:
    build = Watched()
    build.start(3)
    build.now = 5
    build.start(4)
    build.at(6)
    assert build.at(16) == [f"build1 {PLATFORM} still running: step 3/7, 16 s"]


def test_with_many_hosts_each_says_less_often() -> None:
    build = Watched(hosts=40)
    build.start(3)
    build.end(3)
    assert build.at(9.9) == []
    assert len(build.at(10)) == 1
    build.start(4)
    build.at(20)
    assert build.at(59) == []
    assert build.at(60) == [f"build1 {PLATFORM} still running: step 4/7, 50 s"]


def test_with_output_every_line_comes_in_order_and_at_once() -> None:
    build = Watched(output=True)
    build.start(1)
    build.end(1, 0, "cached")
    for step in (2, 3, 4, 5):
        build.start(step)
        build.tell("output", step=step, text=f"of {step}")
        build.end(step)
    place = f"build1 {PLATFORM} [{{}}/7]"
    of_each = ["{0} RUN make ...", "{0} | of {1}", "{0} RUN make ... 0.5 s"]
    expected = [line.format(place.format(step), step) for step in (2, 3, 4, 5) for line in of_each]
    assert build.at(0) == [f"{place.format(1)} RUN make ...", f"{place.format(1)} RUN make ... cached", *expected]


def test_without_it_none_is_shown() -> None:
    build = Watched()
    build.tell("output", step=2, text="loud")
    assert build.at(1) == []


def test_nothing_of_a_build_runs_on_after_its_end() -> None:
    build = Watched()
    build.start(3)
    build.tell("build_ended")
    assert build.at(1) == []
    assert build.at(20) == ["build1 still running: 20 s"]


def test_a_piece_may_end_anywhere() -> None:
    text = json.dumps({"event": "step_started", "platform": PLATFORM, "steps": 7, "step": 1, "text": "RUN a"}) + "\n"
    build = Watched()
    for character in text:
        build.lines.take(character, 0)
    assert build.at(1) == [f"build1 {PLATFORM} [1/7] RUN a ..."]


def test_what_a_step_writes_does_not_move_the_cursor() -> None:
    build = Watched(output=True)
    build.tell("output", step=2, text="\x1b[2J\x1b[1;31mred\x1b[0m\x07\x9b end")
    assert build.at(0) == [f"build1 {PLATFORM} [2/7] |   red    end"]


def test_a_long_instruction_is_cut() -> None:
    build = Watched()
    build.start(1, "RUN " + "x" * 1000)
    assert len(build.at(1)[0]) < 200
