# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a build failed where the Dockerfile is not to blame; with real engines in the target docker_image_faults."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._build_faults import explained
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_log import Built, Event, Failed, Output
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import LOST, SdkEngine

HOST = "unix:///run/e.sock"
FULL = "dd: writing '/large': No space left on device\n"


class Engine:
    """What is asked of an engine."""

    host = HOST
    is_local = True

    def __init__(self, root: Path, is_there: bool) -> None:
        self._root = root
        self._is_there = is_there

    def answers(self) -> bool:
        return self._is_there

    def data_root(self) -> str:
        return str(self._root)


def advice(root: Path, *events: Event, is_there: bool = True, in_engine: bool = True) -> str:
    last = list(explained(events, cast(SdkEngine, Engine(root, is_there)), in_engine))[-1]
    assert isinstance(last, Failed)
    return last.advice


def test_a_build_that_fails_by_itself_gets_no_advice(tmp_path: Path) -> None:
    assert advice(tmp_path, Failed("exit code: 1", 2, 1)) == ""
    # What another step wrote, and did well all the same, is no reason.
    assert advice(tmp_path, Output(1, FULL), Failed("exit code: 1", 2, 1)) == ""


def test_events_pass(tmp_path: Path) -> None:
    events: list[Event] = [Output(1, FULL), Built("sha256:1")]
    assert list(explained(events, cast(SdkEngine, Engine(tmp_path, True)), True)) == events


@pytest.mark.parametrize(
    "events",
    [
        [Failed("write /data/tmp/x: no space left on device")],
        [Output(2, FULL), Failed("exit code: 1", 2, 1)],
        [Output(2, FULL), Failed("exit code: 1", None, 1)],
    ],
)
def test_a_full_disk_is_named(tmp_path: Path, events: list[Event]) -> None:
    said = advice(tmp_path, *events)
    assert f"The disk is full: the engine at {HOST} keeps images and builds in {tmp_path} (" in said
    assert "MB are free by now). Make room there" in said


def test_of_another_host_the_room_is_not_known(tmp_path: Path) -> None:
    assert f"in {tmp_path}/far. Make room" in advice(tmp_path / "far", Failed("no space left on device"))


def test_a_named_builder_has_a_disk_of_its_own(tmp_path: Path) -> None:
    said = advice(tmp_path, Failed("no space left on device"), in_engine=False)
    assert said.startswith("The disk of the builder is full") and str(tmp_path) not in said


@pytest.mark.parametrize(
    "message", [LOST + " (ProtocolError)", "rpc error: code = Unavailable desc = EOF", "exit code: 137"]
)
def test_an_engine_that_is_gone_is_named(tmp_path: Path, message: str) -> None:
    said = advice(tmp_path, Output(2, FULL), Failed(message, 2), is_there=False)
    assert said.startswith(f"The engine at {HOST} does not answer any more") and "Start it, and run this again" in said


@pytest.mark.parametrize(
    "message",
    [
        "rpc error: code = Unavailable desc = error reading from server: EOF",
        "ERROR: failed to solve: Unavailable: error reading from server: EOF",
        "error during connect: Get http:...",
    ],
)
def test_a_node_that_is_gone_is_to_blame_and_not_this_host(tmp_path: Path, message: str) -> None:
    for is_there in (True, False):
        events = [Failed(message)]
        [last] = explained(events, cast(SdkEngine, Engine(tmp_path, is_there)), in_engine=False)
        assert isinstance(last, Failed)
        assert (last.advice.startswith("The node of the builder"), last.by_node) == (is_there, is_there)


def test_no_node_is_to_blame_for_what_a_step_says(tmp_path: Path) -> None:
    [last] = explained([Failed("exit code: 1", 2, 1)], cast(SdkEngine, Engine(tmp_path, True)), in_engine=False)
    assert isinstance(last, Failed) and not last.by_node


@pytest.mark.parametrize(("in_engine", "is_said"), [(True, True), (False, False)])
def test_so_is_one_that_was_started_again(tmp_path: Path, in_engine: bool, is_said: bool) -> None:
    said = advice(tmp_path, Failed("rpc error: code = Unavailable desc = EOF"), in_engine=in_engine)
    assert ("in the middle of the build, and answers again" in said) == is_said
