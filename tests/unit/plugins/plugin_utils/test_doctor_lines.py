# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the terminal shows of what doctor_info found."""

from __future__ import annotations

from typing import Any

from ansible_collections.trusted.crossbuild.plugins.plugin_utils._doctor_lines import lines, problems, report

ARM = "linux/arm/v7"
GOOD = {"layer": "host", "platform": None, "holds": True, "found": "linux/amd64", "remedy": None}
BAD = {"layer": "entry", "platform": ARM, "holds": False, "found": "It is\x1b[2J disabled.", "remedy": "Enable it."}
DARK = {"layer": "image", "platform": None, "holds": None, "found": "none was named", "remedy": None}
WELL = {"layers": [GOOD, DARK], "first": None}
ILL = {"layers": [GOOD, BAD, DARK], "first": BAD}


def test_each_layer_is_a_line_and_the_first_that_fails_is_said_again_with_the_remedy() -> None:
    assert lines({"one": ILL, "two": WELL}) == [
        "one:",
        "  holds  host                linux/amd64",
        "  FAILS  entry linux/arm/v7  It is disabled.",
        "  -      image               not looked at: none was named",
        "  Begin here: entry of linux/arm/v7: It is disabled. Enable it.",
        "",
        "two:",
        "  holds  host   linux/amd64",
        "  -      image  not looked at: none was named",
        "  Everything that was looked at holds.",
        "",
        "2 hosts: 1 well, 1 not.",
    ]


def test_a_host_that_was_not_looked_at_is_not_well() -> None:
    results: dict[str, dict[str, Any]] = {
        "away": {"unreachable": True, "msg": "no route"},
        "odd": {"failed": True, "msg": "Unknown platform."},
        "skipped": {},
    }
    assert list(problems(results)) == list(results)
    assert problems(results)["away"].startswith("It cannot be reached: no route.")
    assert problems(results)["odd"].startswith("Unknown platform.")
    assert lines(results)[-1] == "3 hosts: 0 well, 3 not."


def test_a_well_host_has_no_problem() -> None:
    assert problems({"two": WELL}) == {}


def test_it_is_made_of_what_the_hosts_registered() -> None:
    found = report({"one": {"found": ILL}, "two": {}, "three": {"found": ILL}}, ["one", "two"], "found")
    assert list(found["problems"]) == ["one", "two"]
    assert found["lines"][0] == "one:"
