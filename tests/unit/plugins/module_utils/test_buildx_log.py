# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What buildx tells: recordings of builds, by buildx 0.13 and 0.29 with the BuildKit in Docker Engine 20.10."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dockerfile
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_log import (
    Activity,
    Event,
    Failed,
    Output,
    StepEnded,
    StepStarted,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._buildx_log import BuildxLog

RECORDED = Path(__file__).parent / "data" / "progress"
# What was built. In the one that failed the last line is "&& busybox false".
DOCKERFILE = r"""# comment
FROM scratch AS base
COPY busybox /bin/sh
COPY busybox /bin/busybox
FROM base AS a
RUN echo start; busybox sleep 1; echo mid >&2; busybox sleep 1; echo end
FROM base AS b
ENV X=1
RUN ["/bin/busybox","echo","exec form"]
COPY f /f
FROM base
COPY --from=a /bin/sh /a
COPY --from=b /f /f
RUN echo last \
  && busybox sleep 1 \
  && echo done
"""
RUN_A, LAST = 5, 13


def read(text: str, dockerfile: str = DOCKERFILE) -> tuple[list[Event], BuildxLog]:
    log = BuildxLog(_dockerfile.parse(dockerfile))
    return [event for line in text.splitlines(keepends=True) for event in log.take(line)], log


def recorded(name: str) -> tuple[list[Event], BuildxLog]:
    return read((RECORDED / f"{name}.rawjson").read_text(encoding="utf-8"))


@pytest.mark.parametrize("version", ["0.13", "0.29"])
def test_a_build(version: str) -> None:
    events, _log = recorded(f"{version}-built")
    instructions = _dockerfile.parse(DOCKERFILE).instructions
    started = {event.step: event.text for event in events if isinstance(event, StepStarted)}
    assert sorted(started) == [2, 3, 5, 8, 9, 11, 12, LAST]
    for step, text in started.items():
        assert text.split() == instructions[step - 1].original.replace("\\\n", "").split()
    assert sorted(event.step for event in events if isinstance(event, StepEnded)) == sorted(started)
    assert Activity("exporting to image") in events


def test_the_output_of_the_steps() -> None:
    # With 0.29 everything was in the cache.
    events, _log = recorded("0.13-built")
    output = {
        step: "".join(e.text for e in events if isinstance(e, Output) and e.step == step) for step in (RUN_A, LAST)
    }
    assert output == {RUN_A: "start\nmid\nend\n", LAST: "last\ndone\n"}


def test_steps_from_the_cache() -> None:
    events, _log = recorded("0.29-cached")
    ended = [event for event in events if isinstance(event, StepEnded)]
    assert len(ended) == 8
    assert all(event.cached for event in ended)


@pytest.mark.parametrize("version", ["0.13", "0.29"])
def test_a_failing_step(version: str) -> None:
    events, log = recorded(f"{version}-failed")
    failed = log.failure()
    assert (failed.step, failed.status) == (LAST, 1)
    assert failed.message.startswith("executor failed running [/bin/sh -c echo last")
    assert StepEnded(LAST) not in events


@pytest.mark.parametrize("version", ["0.13", "0.29"])
def test_a_failure_outside_of_any_step(version: str) -> None:
    _events, log = recorded(f"{version}-syntax")
    failed = log.failure()
    assert (failed.step, failed.status) == (None, None)
    assert failed.message.startswith("ERROR: failed to ")
    assert "unknown instruction" in failed.message


def vertices(*found: dict[str, object]) -> str:
    return json.dumps({"vertexes": [{"started": "2026-11-23T07:22:11Z", **vertex} for vertex in found]}) + "\n"


def test_steps_that_were_ended_with_another_did_not_fail() -> None:
    cancelled = {"digest": "1", "name": "[a 1/1] RUN echo start", "error": "context canceled"}
    failed = {"digest": "2", "name": "[b 1/2] RUN false", "error": 'process "/bin/sh" did not complete: exit code: 139'}
    later = {"digest": "3", "name": "[b 2/2] COPY f /f", "error": "failed to solve"}
    _events, log = read(vertices(cancelled, failed, later))
    assert log.failure() == Failed(failed["error"], 8, 139)


def test_a_base_image_and_what_it_brings() -> None:
    dockerfile = "ARG A\nFROM base AS only\nENV A=1\nWORKDIR /w\nRUN one\n"
    names = ["[1/4] FROM base", "[2/4] RUN brought", "[3/4] WORKDIR /w", "[4/4] RUN one"]
    events, _log = read(vertices(*({"digest": name, "name": name} for name in names)), dockerfile)
    assert [event.step > 0 and event.step for event in events if isinstance(event, StepStarted)] == [2, False, 4, 5]


@pytest.mark.parametrize("prefix", ["linux/arm/v7 ", "linux/amd64->arm/v7 "])
def test_a_platform_in_front(prefix: str) -> None:
    events, _log = read(vertices({"digest": "1", "name": f"[{prefix}stage-3  3/3] RUN echo last"}))
    assert events == [StepStarted(LAST, "RUN echo last")]


def test_a_stage_without_a_name() -> None:
    names = ["[stage-0 1/1] RUN one", "[stage-1 2/2] RUN three"]
    dockerfile = "FROM base\nRUN one\nFROM scratch\nCOPY a /\nRUN three\nFROM base\n"
    events, _log = read(vertices(*({"digest": name, "name": name} for name in names)), dockerfile)
    assert events == [StepStarted(2, "RUN one"), StepStarted(5, "RUN three")]


def test_a_step_that_is_told_again() -> None:
    step = vertices({"digest": "1", "name": "[a 1/1] RUN x", "completed": "2026-11-23T07:22:12Z"})
    log = json.dumps({"logs": [{"vertex": "1", "data": base64.b64encode(b"x\xff").decode()}]}) + "\n"
    events, _log = read(step + step + log)
    assert events == [StepStarted(RUN_A, "RUN x"), StepEnded(RUN_A), Output(RUN_A, "x\ufffd")]


def test_an_end_without_a_word() -> None:
    assert read("")[1].failure() == Failed("buildx ended without a word")
    # Killed while it wrote.
    assert "vertexes" in read('{\n  "vertexes": [\n')[1].failure().message


def test_the_mount_that_accelerates_is_not_told() -> None:
    mount = (
        "--mount=type=bind,from=crossbuild.invalid/accelerator:bookworm-arm-v7-0123456789abcdef,target=/dev/.crossbuild"
    )
    name = f"[b 2/3] RUN {mount} --mount=type=tmpfs,target=/t echo --mount=type=x,target=/dev/.crossbuilder"
    vertex = {"digest": "sha256:1", "name": name, "started": "2026-01-01T00:00:00Z"}
    events, _log = read(json.dumps({"vertexes": [vertex]}) + "\n")
    [started] = events
    assert isinstance(started, StepStarted)
    assert started.text == "RUN --mount=type=tmpfs,target=/t echo --mount=type=x,target=/dev/.crossbuilder"
    _events, log = read(f"Dockerfile:3\n>>> RUN {mount} false\n")
    assert "RUN false" in log.failure().message
