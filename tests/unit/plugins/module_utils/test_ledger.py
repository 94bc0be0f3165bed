# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ledger in a registry in memory, and an engine that pushes to it. The target image_farm has real ones."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _claim, _ledger_report
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_key import build_key
from ansible_collections.trusted.crossbuild.plugins.module_utils._converge import converge
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._ledger import Ledger
from ansible_collections.trusted.crossbuild.plugins.module_utils._output import Made
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse

KEY = build_key(context="1", emulator="7.2", engine="classic")
ARM64 = parse("arm64")
PARAMS: dict[str, Any] = {
    "ledger": "registry.example/farm",
    "registry": {},
    "rebuild": "auto",
    "verify": "programs",
    "smoke_test": None,
    "push": False,
    "oci_archive": None,
    "oci_directory": None,
}


class Task:
    """What Ledger wants of a BuildTask; the engine is in it, too."""

    host = "unix:///engine"

    def __init__(self, memory: Any, **params: Any) -> None:
        self.engine = self
        self.params = {**PARAMS, **params}
        self.memory = memory
        self.warnings: list[str] = []
        self.calls: list[str] = []

    def now(self, activity: str) -> None:
        self.calls.append(activity)

    def now_as(self, _where: Any) -> None:
        pass

    def tag(self, image: str, name: str, tag: str) -> None:
        self.calls.append(f"tag {image[:13]} {name}:{tag[:6]}")

    def remove(self, reference: str) -> None:
        self.calls.append(f"remove {reference[:28]}")

    def push(self, _name: str, tag: str, _credentials: Any) -> None:
        self.memory.push("farm", tag, "arm64")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_claim, "_SETTLE", 0.01)


def ledger(memory: Any, **params: Any) -> Ledger:
    return Ledger(Task(memory, **params), "registry.example/app")  # type: ignore[arg-type]


def made(memory: Any, key: Any = KEY) -> list[Made]:
    identity = memory.manifest("app", "arm64").config_digest
    return [Made(ARM64, "registry.example/app:1", Image(identity, ARM64, key.labels(), [], []))]


def enter(one: Ledger, memory: Any) -> dict[str, Any]:
    one.has(KEY.parts)
    return converge(lambda: one.plan(made(memory)), False)


def test_what_one_host_enters_another_one_finds(memory: Any) -> None:
    first = ledger(memory)
    first.seconds, first.emulator = 41.26, "7.2"
    entered = enter(first, memory)
    assert entered["actions"] == ["enter registry.example/app:1 into the ledger registry.example/farm"]
    assert first._task.calls[0].startswith("tag sha256:") and first._task.calls[-1].startswith(
        "remove registry.example/farm"
    )  # type: ignore[attr-defined]
    other = ledger(memory)
    # By another builder, with another emulator.
    assert other.has(build_key(context="1", emulator="10.0", engine="buildx").parts)
    found = converge(lambda: other.plan([Made(ARM64, "registry.example/app:1", None)]), False)
    assert (found["changed"], found["ledger"]) == (False, entered["ledger"])
    assert found["ledger"]["image"] == f"registry.example/farm@{memory.digest('app', 'arm64')}"
    assert (found["ledger"]["seconds"], found["ledger"]["emulator"]) == (41.3, "7.2")
    assert not ledger(memory, verify="all").has(KEY.parts)
    assert not other.has(build_key(context="2").parts)


def test_what_is_built_anew_is_entered_again(memory: Any) -> None:
    enter(ledger(memory), memory)
    again = ledger(memory, rebuild="always")
    again.seconds = 2.0
    assert not again.has(KEY.parts)
    assert enter(again, memory)["changed"]
    assert again.has(KEY.parts)


def test_how_long_it_took_is_told_whatever_it_was_made_from(memory: Any) -> None:
    one = ledger(memory)
    one.seconds = 12.0
    enter(one, memory)
    images = [{"name": "registry.example/app:2", "platforms": ["aarch64", "armhf"]}]
    said = _ledger_report.run({"ledger": PARAMS["ledger"], "images": images}, True)["builds"]
    assert [(build["platform"], build["seconds"], build["emulator"]) for build in said] == [
        ("linux/arm64", 12.0, None),
        ("linux/arm/v7", None, None),
    ]


def test_one_that_was_not_built_here_tells_no_time(memory: Any) -> None:
    assert enter(ledger(memory), memory)["ledger"]["seconds"] is None
    assert not [tag for tag in memory.tags("farm") if tag.startswith("last-")]


def test_whoever_waited_finds_it_and_holds_no_claim(memory: Any) -> None:
    first, second = ledger(memory), ledger(memory)
    with ExitStack() as ours:
        first.wait_for_turn(KEY.parts, ours)
        enter(first, memory)
        before = list(memory.written)
        with ExitStack() as theirs:
            second.wait_for_turn(KEY.parts, theirs)
        assert memory.written == before
    assert first._task.warnings == []


def test_a_claim_that_could_not_be_kept_is_told(memory: Any) -> None:
    one = ledger(memory)
    with ExitStack() as stack:
        one.wait_for_turn(KEY.parts, stack)
        memory.refused = next(tag for tag in memory.tags("farm") if tag.startswith("claim-"))
    assert one._task.warnings == ["The claim to this build in registry.example/farm could not be kept: refused"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ledger": "registry.example/farm:1"}, "is to be a repository"),
        ({"push": True}, "ledger and push: "),
        ({"oci_archive": "/a", "push": True}, "ledger and push, oci_archive: "),
        ({"rebuild": "never"}, "ledger and rebuild: never"),
    ],
)
def test_what_does_not_go_together_is_refused(memory: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(CrossbuildError, match=message):
        ledger(memory, **params)
