# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of the events of a classic build."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dockerfile
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_log import BuildLog
from ansible_collections.trusted.crossbuild.plugins.module_utils._emulators import Emulator
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._progress import Progress

DOCKERFILE = _dockerfile.parse("FROM base\n\nRUN one && \\\n  two\nRUN three\n")
STEP = "Step {0}/3 : {1}\n"


def follow(*events: dict) -> str:
    return BuildLog(DOCKERFILE, Progress().build("linux/arm/v7", 3), None).follow(events)


def failure(*events: dict) -> CrossbuildError:
    with pytest.raises(CrossbuildError) as caught:
        follow(*events)
    return caught.value


def test_the_last_image_is_the_result() -> None:
    assert (
        follow({"stream": STEP.format(1, "FROM base")}, {"aux": {"ID": "sha256:1"}}, {"aux": {"ID": "sha256:2"}})
        == "sha256:2"
    )


def outcomes(file: Path, events: Iterator[dict]) -> list[tuple[int, str]]:
    """The steps that a build which fails tells as ended."""
    log = BuildLog(DOCKERFILE, Progress(str(file)).build("linux/arm/v7", 3), None)
    with pytest.raises(CrossbuildError):
        log.follow(events)
    told = [json.loads(line) for line in file.read_text().splitlines()]
    return [(event["step"], event["outcome"]) for event in told if event["event"] == "step_ended"]


def test_how_each_step_ended_is_told_also_of_a_build_that_is_broken_off(tmp_path: Path) -> None:
    def broken_off() -> Iterator[dict]:
        yield {"stream": STEP.format(1, "FROM base")}
        yield {"stream": STEP.format(2, "RUN one") + " ---> Using cache\n"}
        yield {"stream": STEP.format(3, "RUN three")}
        raise CrossbuildError("The time is over.")

    assert outcomes(tmp_path / "progress", broken_off()) == [(1, "ok"), (2, "cached"), (3, "failed")]


def test_a_failing_step_is_named_with_its_line_and_output() -> None:
    events = [{"stream": STEP.format(2, "RUN one && two")}, {"stream": "a\nb"}, {"stream": "c\n \x1b[91mred\n\x1b[0m"}]
    error = failure(*events, {"error": "returned a non-zero code: 7", "errorDetail": {"code": 7}})
    assert "step 2 of 3, line 3: RUN one && two" in str(error)
    assert error.result == {"step": 2, "output": ["a", "bc", " red"], "emulator_crashed": False}


def test_only_the_end_of_the_failing_step_is_shown() -> None:
    lines = "".join(f"line {number}\n" for number in range(30))
    events = [{"stream": STEP.format(2, "RUN one")}, {"stream": "earlier\n"}, {"stream": STEP.format(3, "RUN three")}]
    error = failure(*events, {"stream": lines}, {"error": "no"})
    assert error.result["output"] == [f"line {number}" for number in range(10, 30)]


def test_the_output_of_earlier_steps_is_not_shown() -> None:
    events = [{"stream": STEP.format(2, "RUN one")}, {"stream": "earlier\n"}, {"stream": STEP.format(3, "RUN three")}]
    assert failure(*events, {"error": "no"}).result["output"] == []


def test_what_the_engine_says_itself_is_no_output() -> None:
    events = [{"stream": STEP.format(2, "RUN one")}, {"stream": " ---> Running in 12ab\n"}]
    error = failure(*events, {"stream": "Removing intermediate container 12ab\n"}, {"error": "no"})
    assert error.result["output"] == []


@pytest.mark.parametrize(
    ("output", "code", "crashed"),
    [
        ("qemu: uncaught target signal 11 (Segmentation fault) - core dumped\n", 1, True),
        ("", 139, True),
        ("", 132, True),
        ("", 1, False),
    ],
)
def test_a_crash_of_the_emulator_is_recognised(output: str, code: int, crashed: bool) -> None:
    events = [{"stream": STEP.format(2, "RUN one")}, {"stream": output}]
    error = failure(*events, {"error": "no", "errorDetail": {"code": code}})
    assert error.result["emulator_crashed"] is crashed
    assert ("crashed" in str(error)) is crashed


def test_the_emulator_that_crashed_is_named_with_what_is_known_of_its_version(tmp_path: Path) -> None:
    # A version that is as old as that cannot be had.
    program = tmp_path / "qemu-arm-static"
    program.write_text("#!/bin/sh\necho qemu-arm version 5.2.0\n")
    program.chmod(0o755)
    emulator = Emulator(parse("armhf").arch, str(program), "static")
    log = BuildLog(DOCKERFILE, Progress().build("linux/arm/v7", 3), emulator)
    events = [{"stream": STEP.format(2, "RUN one")}, {"error": "no", "errorDetail": {"code": 139}}]
    with pytest.raises(CrossbuildError) as caught:
        log.follow(events)
    assert f"crashed (SIGSEGV). The emulator is QEMU 5.2.0, {program}. " in str(caught.value)
    assert "it crashes now and then when it allocates memory" in str(caught.value)
    assert "trusted.crossbuild.qemu_user_static" in str(caught.value)


def test_exec_format_error_comes_with_the_remedy() -> None:
    events = [{"stream": STEP.format(2, "RUN one")}, {"stream": "exec /bin/sh: exec format error\n"}]
    assert "trusted.crossbuild.binfmt" in str(failure(*events, {"error": "no"}))


def test_before_the_first_step_there_is_no_line() -> None:
    assert "sending the build context: no such thing" in str(failure({"error": "no such thing"}))


def test_an_end_without_an_image_is_an_error() -> None:
    assert "without an image" in str(failure({"stream": STEP.format(1, "FROM base")}))
