# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the bars of the build times are."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.plugin_utils._build_plot import MOST, duration, plot


def test_the_longest_is_first_and_as_wide_as_the_plot() -> None:
    builds = [
        {"image": "app", "platform": "linux/arm64", "seconds": 30, "host": "build1", "status": "emulated"},
        {"image": "db", "platform": "linux/arm64", "seconds": 120.0},
        {"image": "new", "platform": "linux/arm64", "seconds": None},
    ]
    found = plot(builds)
    assert [(one["image"], one["percent"], one["time"]) for one in found["bars"]] == [
        ("db", 100.0, "2 min 00 s"),
        ("app", 25.0, "30 s"),
    ]
    assert [one["words"] for one in found["bars"]] == ["linux/arm64", "linux/arm64, emulated, build1"]
    assert found["left_out"] == 0


def test_the_ledger_tells_whether_it_was_emulated() -> None:
    build = {"image": "app", "platform": "linux/arm64", "seconds": 30, "host": "build1"}
    found = plot([{**build, "emulator": "7.2.22"}, {**build, "emulator": None}, build])
    assert [(one["status"], one["words"]) for one in found["bars"]] == [
        ("emulated", "linux/arm64, emulated, build1"),
        ("native", "linux/arm64, native, build1"),
        ("unknown", "linux/arm64, build1"),
    ]


def test_no_builds_no_bars() -> None:
    assert plot([]) == {"bars": [], "left_out": 0}


def test_only_the_longest_are_shown_and_the_others_counted() -> None:
    found = plot({"image": "app", "platform": "linux/arm64", "seconds": at} for at in range(MOST + 3))
    assert len(found["bars"]) == MOST
    assert found["left_out"] == 3
    assert found["bars"][-1]["time"] == "3.0 s"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.44, "0.4 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3725, "1 h 02 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
