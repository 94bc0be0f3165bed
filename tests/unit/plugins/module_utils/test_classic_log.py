# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the classic builder tells."""

from __future__ import annotations

from typing import Any

from ansible_collections.trusted.crossbuild.plugins.module_utils._build_log import (
    Built,
    Event,
    Failed,
    Output,
    StepEnded,
    StepStarted,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._classic_log import events


def told(*answers: dict[str, Any]) -> list[Event]:
    return list(events(answers))


def test_a_build() -> None:
    answers = [
        {"stream": "Step 1/2 : FROM base"},
        {"stream": "\n"},
        {"stream": " ---> 0c9f1b\n"},
        {"stream": "Step 2/2 : RUN one && two\n"},
        {"stream": " ---> Using cache\n ---> 1234\n"},
        {"aux": {"ID": "sha256:1"}},
        {"stream": "Successfully built 1234\n"},
    ]
    assert told(*answers) == [
        StepStarted(1, "FROM base"),
        StepEnded(1),
        StepStarted(2, "RUN one && two"),
        Built("sha256:1"),
        Output(2, "Successfully built 1234\n"),
        StepEnded(2, cached=True),
    ]


def test_a_failing_step() -> None:
    answers = [
        {"stream": "Step 1/1 : RUN one\n"},
        {"stream": " ---> Running in 12ab\na\nb"},
        {"stream": "c\n \x1b[91mred\n\x1b[0m"},
        {"stream": "Removing intermediate container 12ab\n"},
        {"stream": "no end"},
        {"error": "returned a non-zero code: 7", "errorDetail": {"code": 7}},
    ]
    assert told(*answers) == [
        StepStarted(1, "RUN one"),
        Output(1, "a\n"),
        Output(1, "bc\n"),
        Output(1, " red\n"),
        Output(1, "no end"),
        Failed("returned a non-zero code: 7", 1, 7),
    ]


def test_a_failure_before_the_first_step() -> None:
    assert told({"error": "no such thing"}) == [Failed("no such thing")]
