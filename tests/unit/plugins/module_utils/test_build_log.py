# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of the events of a build."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dockerfile
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_log import (
    Activity,
    BuildLog,
    Built,
    Event,
    Failed,
    Output,
    StepEnded,
    StepStarted,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._emulators import Emulator
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._progress import Progress

DOCKERFILE = _dockerfile.parse("FROM base\n\nRUN one && \\\n  two\nRUN three\n")
STARTED = StepStarted(2, "RUN one && two")


def build_log(secrets: tuple[str, ...] = (), file: Path | None = None, emulator: Emulator | None = None) -> BuildLog:
    progress = Progress(str(file) if file else None, output=True).build("linux/arm/v7", 3)
    return BuildLog(DOCKERFILE, progress, emulator, secrets)


def follow(*events: Event, secrets: tuple[str, ...] = ()) -> str:
    return build_log(secrets).follow(events)


def failure(*events: Event, secrets: tuple[str, ...] = ()) -> CrossbuildError:
    with pytest.raises(CrossbuildError) as caught:
        follow(*events, secrets=secrets)
    return caught.value


def test_the_last_image_is_the_result() -> None:
    assert follow(StepStarted(1, "FROM base"), Built("sha256:1"), StepEnded(1), Built("sha256:2")) == "sha256:2"


def test_a_failing_step_is_named_with_its_line_and_output() -> None:
    error = failure(STARTED, Output(2, "a\nb"), Output(2, "c\n d"), Failed("exit code: 7", 2, 7))
    assert "step 2 of 3, line 3: RUN one && two: exit code: 7" in str(error)
    assert error.result == {"step": 2, "output": ["a", "bc", " d"], "emulator_crashed": False}


def test_only_the_end_of_the_failing_step_is_shown() -> None:
    lines = "".join(f"line {number}\n" for number in range(30))
    error = failure(
        STARTED, Output(2, "earlier\n"), StepEnded(2), StepStarted(3, "RUN three"), Output(3, lines), Failed("no")
    )
    assert error.result["output"] == [f"line {number}" for number in range(10, 30)]


def test_steps_that_run_at_the_same_time_keep_their_output_apart() -> None:
    events = [STARTED, StepStarted(3, "RUN three"), Output(2, "two\n"), Output(3, "three\n")]
    assert failure(*events, Failed("no", 3)).result == {"step": 3, "output": ["three"], "emulator_crashed": False}
    assert failure(*events, Failed("no", 2)).result["output"] == ["two"]


@pytest.mark.parametrize(
    ("output", "status", "crashed"),
    [
        ("qemu: uncaught target signal 11 (Segmentation fault) - core dumped\n", 1, True),
        ("", 139, True),
        ("", 132, True),
        ("", 1, False),
    ],
)
def test_a_crash_of_the_emulator_is_recognised(output: str, status: int, crashed: bool) -> None:
    error = failure(STARTED, Output(2, output), Failed("no", 2, status))
    assert error.result["emulator_crashed"] is crashed
    assert ("crashed" in str(error)) is crashed


def test_the_emulator_that_crashed_is_named_with_what_is_known_of_its_version(tmp_path: Path) -> None:
    # A version that is as old as that cannot be had.
    program = tmp_path / "qemu-arm-static"
    program.write_text("#!/bin/sh\necho qemu-arm version 5.2.0\n")
    program.chmod(0o755)
    log = build_log(emulator=Emulator(parse("armhf").arch, str(program), "static"))
    with pytest.raises(CrossbuildError) as caught:
        log.follow([STARTED, Failed("no", 2, 139)])
    assert f"crashed (SIGSEGV). The emulator is QEMU 5.2.0, {program}. " in str(caught.value)
    assert "it crashes now and then when it allocates memory" in str(caught.value)
    assert "trusted.crossbuild.qemu_user_static" in str(caught.value)


def told(file: Path) -> list[tuple[object, ...]]:
    events = [json.loads(line) for line in file.read_text().splitlines()]
    return [(one["event"], one["step"], one.get("outcome", one.get("text"))) for one in events if "step" in one]


def test_how_each_step_ended_is_told_also_of_a_build_that_is_broken_off(tmp_path: Path) -> None:
    def broken_off() -> Iterator[Event]:
        yield StepStarted(1, "FROM base")
        yield StepEnded(1)
        yield STARTED
        yield StepStarted(3, "RUN three")
        yield Output(2, "It is sec")
        yield Output(2, "ret!\n")
        yield StepEnded(3, cached=True)
        yield StepStarted(-1, "RUN what the base brings")
        yield Output(-1, "not told\n")
        raise CrossbuildError("The time is over.")

    with pytest.raises(CrossbuildError):
        build_log(secrets=("secret",), file=tmp_path / "progress").follow(broken_off())
    assert told(tmp_path / "progress") == [
        ("step_started", 1, "FROM base"),
        ("step_ended", 1, "ok"),
        ("step_started", 2, "RUN one &&"),
        ("step_started", 3, "RUN three"),
        ("output", 2, "It is ********!"),
        ("step_ended", 3, "cached"),
        ("step_ended", 2, "failed"),
    ]


def test_exec_format_error_comes_with_the_remedy() -> None:
    error = failure(STARTED, Output(2, "exec /bin/sh: exec format error\n"), Failed("no", 2))
    assert "trusted.crossbuild.binfmt" in str(error)


def test_where_a_build_is() -> None:
    log = build_log()
    events = [
        (Activity("load metadata for base"), "load metadata for base"),
        (STARTED, "step 2 of 3, line 3: RUN one && two"),
        (StepStarted(3, "RUN three"), "step 2 of 3, line 3: RUN one && two"),
        (StepEnded(2), "step 3 of 3, line 5: RUN three"),
        (StepEnded(3), "load metadata for base"),
        (Activity("exporting to image"), "exporting to image"),
        (StepStarted(4, "LABEL a=b"), "LABEL a=b"),
        (Built("sha256:1"), "LABEL a=b"),
    ]
    assert log.where() == "sending the build context"

    def watched():
        for event, where in events:
            yield event
            assert log.where() == where

    assert log.follow(watched()) == "sha256:1"


def test_before_the_first_step_there_is_no_line() -> None:
    error = failure(Failed("no such thing"))
    assert "sending the build context: no such thing" in str(error)
    assert error.result["step"] == 0


def test_an_end_without_an_image_is_an_error() -> None:
    assert "without an image" in str(failure(STARTED))


def test_secrets_are_hidden() -> None:
    secret = "first line\n  second = 12345\n}\n"
    told = "first line\nIt is second = 12345!\n}\nfirst line and no end"
    error = failure(STARTED, Output(2, told), Failed("wrong: first line", 2), secrets=(secret,))
    assert error.result["output"] == ["********", "It is ********!", "}", "******** and no end"]
    assert "first line" not in str(error)
