# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a build whose accelerator, or whose entry of the kernel, goes away; the builds are made up here."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import (
    _accelerated_build,
    _acceleration,
    _build_run,
    _dockerfile,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._acceleration import Acceleration, StageAcceleration
from ansible_collections.trusted.crossbuild.plugins.module_utils._builder import Request
from ansible_collections.trusted.crossbuild.plugins.module_utils._deadline import TimedOut
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform

ARM = Platform("arm", "v7")
ALPINE = "its base image is Alpine"
REQUEST = Request(ARM, {}, None, {}, None, [], fresh=False, newest_bases=False)


@dataclass
class Build:
    """``failure`` is what a build ends with that has ``dockerfile``, the one with the accelerator."""

    dockerfile: str | None = "FROM debian\nRUN --mount=x make\n"
    failure: Exception | None = None
    gone: list[str] = field(default_factory=list)
    interrupted: str | None = None
    accelerate: str = "auto"
    requests: list[Request] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self) -> tuple[str, list[dict[str, Any]]]:
        task: Any = SimpleNamespace(params={"accelerate": self.accelerate}, warnings=self.warnings)
        return _accelerated_build.run(task, None, REQUEST, None)  # type: ignore[arg-type]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Build:
    made = Build()

    class Planned(Acceleration):
        def gone(self, _task: object) -> list[str]:
            return made.gone

        def interrupted(self) -> str | None:
            return made.interrupted

    def run(_task: object, _source: object, request: Request, _emulator: object) -> str:
        made.requests.append(request)
        if request.dockerfile == made.dockerfile and made.failure:
            raise made.failure
        return "sha256:1"

    one, other = (
        _dockerfile.BuiltStage(stage, ARM, "debian")
        for stage in _dockerfile.parse("FROM debian\nRUN make\nFROM alpine\nRUN make\n").stages
    )
    stages = (StageAcceleration(one, "accelerator", None), StageAcceleration(other, None, ALPINE))
    monkeypatch.setattr(_acceleration, "plan", lambda *_arguments: Planned(made.dockerfile, stages))
    monkeypatch.setattr(_build_run, "run", run)
    return made


def test_it_is_built_by_the_dockerfile_with_the_mounts(build: Build) -> None:
    built, told = build.run()
    assert (built, [one["accelerator"] for one in told], build.warnings) == ("sha256:1", ["accelerator", None], [])
    assert [request.dockerfile for request in build.requests] == ["FROM debian\nRUN --mount=x make\n"]


def test_without_an_accelerator_that_went_away_it_is_built_again(build: Build) -> None:
    build.failure, build.gone = CrossbuildError("no such layer"), ["accelerator"]
    built, told = build.run()
    assert built == "sha256:1"
    assert [request.dockerfile is None for request in build.requests] == [False, True]
    assert [one["accelerator"] for one in told] == [None, None]
    assert "went away" in told[0]["reason"] and told[1]["reason"] == ALPINE
    assert "accelerator went away while linux/arm/v7 was built" in build.warnings[0]


def test_where_it_must_be_accelerated_it_fails(build: Build) -> None:
    build.failure, build.gone, build.accelerate = CrossbuildError("no such layer."), ["accelerator"], "true"
    with pytest.raises(CrossbuildError, match=r"no such layer\. accelerator went away while it was built\.") as info:
        build.run()
    assert len(build.requests) == 1 and info.value.result["acceleration"][0]["accelerator"] == "accelerator"


def test_a_failure_says_that_it_was_accelerated_unless_the_host_is_to_blame(build: Build) -> None:
    build.failure = CrossbuildError("RUN make ended with 2.", step=2)
    with pytest.raises(CrossbuildError, match=r"accelerate: false builds without") as info:
        build.run()
    assert info.value.result["step"] == 2
    build.failure = CrossbuildError("The disk is full.", host_fault=True)
    with pytest.raises(CrossbuildError, match=r"full\.$"):
        build.run()
    assert len(build.requests) == 2


def test_no_time_is_no_reason_to_begin_again(build: Build) -> None:
    build.failure, build.gone = TimedOut("too long"), ["accelerator"]
    with pytest.raises(TimedOut):
        build.run()
    assert len(build.requests) == 1


def test_an_entry_that_was_replaced_is_told(build: Build) -> None:
    build.interrupted = "The entry was replaced."
    built, told = build.run()
    assert (built, told[0]["accelerator"], told[0]["reason"]) == ("sha256:1", "accelerator", build.interrupted)
    assert told[1]["reason"] == ALPINE
    assert build.warnings == ["The entry was replaced."]


def test_where_no_stage_is_accelerated_a_failure_is_told_as_it_is(build: Build) -> None:
    build.dockerfile, build.failure = None, CrossbuildError("RUN make ended with 2.")
    with pytest.raises(CrossbuildError, match=r"2\.$") as info:
        build.run()
    assert len(build.requests) == 1 and info.value is build.failure
