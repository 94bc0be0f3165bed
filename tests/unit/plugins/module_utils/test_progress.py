# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a build tells goes to a file as it happens, and costs the build nothing where it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _progress

COMMON = {"platform": "linux/arm/v7", "steps": 2}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "progress"


def told(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_every_call_is_a_line_at_once(file: Path) -> None:
    progress = _progress.of({"_progress": {"file": str(file), "output": True}})
    progress.activity("pulling")
    assert told(file) == [{"event": "activity", "text": "pulling"}]
    build = progress.build("linux/arm/v7", 2)
    build.step_started(2, "RUN make \\\n  all")
    build.output(2, "cc\r")
    build.step_ended(2, 41.234, "ok")
    build.ended()
    assert told(file)[1:] == [
        {"event": "build_started", **COMMON},
        {"event": "step_started", **COMMON, "step": 2, "text": "RUN make"},
        {"event": "output", **COMMON, "step": 2, "text": "cc"},
        {"event": "step_ended", **COMMON, "step": 2, "seconds": 41.2, "outcome": "ok"},
        {"event": "build_ended", **COMMON},
    ]


@pytest.mark.parametrize("params", [{}, {"_progress": None}, {"_progress": {"file": None, "output": True}}])
def test_without_somebody_who_follows_nothing_is_written(
    params: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    build = _progress.of(params).build("linux/arm/v7", 1)
    build.output(1, "text")
    build.ended()
    assert list(tmp_path.iterdir()) == []


def test_output_is_told_only_if_asked_for(file: Path) -> None:
    _progress.Progress(str(file)).build("linux/arm/v7", 1).output(1, "secret")
    assert "secret" not in file.read_text()


def test_output_without_end_ends_in_the_file_and_steps_go_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "_MOST_OUTPUT", 1000)
    build = _progress.Progress(str(file), output=True).build("linux/arm/v7", 1)
    for _number in range(1000):
        build.output(1, "y" * 1000)
    build.step_ended(1, 1, "ok")
    texts = [event["text"] for event in told(file) if event["event"] == "output"]
    assert [len(text) for text in texts[:-1]] == [503, 503]
    assert "more output" in texts[-1]
    assert told(file)[-1]["event"] == "step_ended"


def test_every_byte_is_a_character(file: Path) -> None:
    _progress.Progress(str(file)).activity("käse \udcff")
    assert file.read_bytes().isascii()
    assert told(file)[0]["text"] == "käse \udcff"


def test_a_full_disk_does_not_end_the_build() -> None:
    progress = _progress.Progress("/dev/full")
    progress.activity("anything")
    progress.build("linux/arm/v7", 1).ended()
    assert progress._path is None, "it is not tried again"


def test_until_there_is_something_to_tell_there_is_no_file(file: Path) -> None:
    progress = _progress.Progress(str(file))
    assert not file.exists()
    progress.activity("pulling")
    assert file.exists()
