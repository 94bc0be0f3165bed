# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stages are accelerated, and why the others are not; what the engine and the kernel have is made up here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _acceleration, _dispatcher, _dockerfile
from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerator_image import (
    LABEL,
    PACKAGES_LABEL,
    own_name,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_format import of_architecture
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_source import Source
from ansible_collections.trusted.crossbuild.plugins.module_utils._context import Member
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_buildx import BuildxBuilder
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform, parse

ARM = Platform("arm", "v7")
LAYER = "sha256:" + "a" * 64
DEBIAN = 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
ACCELERATOR = ":".join(own_name("bookworm", ARM, LAYER))


class Engine:
    """An engine with the base images ``debian`` and those named by a test, and one accelerator."""

    is_local = True
    has_buildkit = True

    def __init__(self, releases: dict[str, str | None]) -> None:
        self.releases = {"debian": DEBIAN, **releases}
        labels = {LABEL: "bookworm linux/arm/v7", PACKAGES_LABEL: "{}"}
        self.accelerators = [Image("sha256:1", ARM, labels, [ACCELERATOR], [], [LAYER])]

    def image(self, reference: str) -> Image | None:
        return Image(reference, ARM, {}, [], []) if reference in self.releases else None

    def labelled(self, _label: str) -> list[Image]:
        return self.accelerators

    def read_file(self, image_id: str, path: str) -> bytes | None:
        content = self.releases[image_id]
        return content.encode() if content and path == "/usr/lib/os-release" else None


class Task:
    def __init__(self, accelerate: str = "auto", **releases: str | None) -> None:
        self.params: dict[str, Any] = {"accelerate": accelerate, "target": None, "builder_name": None}
        self.args: dict[str, str] = {}
        self.engine = Engine(releases)
        self.builder: Any = BuildxBuilder(self.engine, {}, None, "")  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The kernel's entries, to be changed by tests: those of 32-bit and 64-bit ARM, by copies."""
    state = {
        name: of_architecture(parse(name).arch).entry(f"{_dispatcher.DIRECTORY}/qemu-x-static", "POF")
        for name in ("arm", "arm64")
    }
    monkeypatch.setattr(_acceleration, "BinfmtMisc", lambda: SimpleNamespace(entries=lambda: list(state.values())))
    monkeypatch.setattr(_acceleration, "host", lambda: Platform("amd64"))
    monkeypatch.setattr(_acceleration, "runs_natively", lambda platform: platform.architecture == "amd64")
    return state


def source(text: str, members: list[Member] | None = None, extra: dict[str, bytes] | None = None) -> Source:
    return Source(_dockerfile.parse(text), text, "/", members or [], "Dockerfile", extra or {})


def reasons(task: Task, text: str, platform: Platform = ARM) -> list[str | None]:
    planned = _acceleration.plan(task, source(text), platform)  # type: ignore[arg-type]
    assert all((one.accelerator is None) == (one.reason is not None) for one in planned.stages)
    assert (planned.dockerfile is None) == all(one.reason for one in planned.stages)
    return [one.reason for one in planned.stages]


def test_an_emulated_stage_gets_the_accelerator_of_its_base_image() -> None:
    text = "FROM debian AS one\nRUN make\n"
    planned = _acceleration.plan(Task(), source(text), ARM)  # type: ignore[arg-type]
    mount = f"type=bind,from={ACCELERATOR},target=/dev/.crossbuild"
    assert planned.dockerfile == f"FROM debian AS one\nRUN --mount={mount} make\n"
    assert [one.describe() for one in planned.stages] == [
        {
            "stage": "one",
            "line": 1,
            "platform": "linux/arm/v7",
            "accelerator": ACCELERATOR,
            "reason": None,
            "skipped": [],
        }
    ]


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("FROM debian\nCOPY a b\n", "arm"),
        ("FROM debian\nRUN make\n", "amd64"),
        ("FROM --platform=$BUILDPLATFORM debian\nRUN make\n", "arm"),
        ("FROM debian AS unneeded\nRUN make\nFROM debian\nCOPY a b\n", "arm"),
    ],
)
def test_where_nothing_is_emulated_nothing_is_told(text: str, platform: str) -> None:
    assert reasons(Task("true"), text, parse(platform)) == []


def test_nobody_is_asked_where_it_is_not_wanted() -> None:
    task = Task("false")
    task.engine = None  # type: ignore[assignment]
    assert reasons(task, "FROM debian\nRUN make\n") == []


@pytest.mark.parametrize(
    ("base", "release", "words"),
    [
        ("scratch", None, "made from scratch"),
        ("gone", None, "gone is not on the engine"),
        ("bare", None, "bare has no os-release"),
        ("alpine", 'ID=alpine\nPRETTY_NAME="Alpine Linux v3.20"\n', "alpine is Alpine Linux v3.20, and accelerators"),
        ("nameless", "VERSION=1\n", "nameless is something without a name, and accelerators"),
        ("sid", "ID=debian\nNAME=Debian\n", "sid is Debian, and there is no accelerator for  linux/arm/v7"),
        ("newer", DEBIAN.replace("bookworm", "trixie"), "no accelerator for trixie linux/arm/v7: the role"),
    ],
)
def test_a_base_image_without_an_accelerator(base: str, release: str | None, words: str) -> None:
    known = {} if base in ("scratch", "gone") else {base: release}
    [reason] = reasons(Task(**known), f"FROM {base}\nRUN make\n")
    assert reason and words in reason
    # The other stages are accelerated all the same.
    both = reasons(Task(**known), f"FROM {base} AS one\nRUN make\nFROM debian\nRUN make\nCOPY --from=one / /\n")
    assert both == [reason, None]


def test_a_damaged_accelerator_is_not_used() -> None:
    task = Task()
    task.engine.accelerators[0].layers[0] = "sha256:" + "b" * 64
    [reason] = reasons(task, "FROM debian\nRUN make\n")
    assert reason and "does not hold what its name says" in reason


def test_a_stage_for_another_platform_than_the_build() -> None:
    [reason] = reasons(Task(), "FROM --platform=linux/arm64 debian\nRUN make\n")
    assert reason == "the stage is for linux/arm64, and BuildKit mounts images for linux/arm/v7 in this build"


@pytest.mark.parametrize(
    ("interpreter", "flags"),
    [("/usr/bin/qemu-arm-static", "POF"), (f"{_dispatcher.DIRECTORY}/q", "OF"), (f"{_dispatcher.DIRECTORY}/q", "PO")],
)
def test_the_kernel_must_run_programs_by_the_copy(kernel: dict[str, Any], interpreter: str, flags: str) -> None:
    kernel["arm"] = of_architecture(ARM.arch).entry(interpreter, flags)
    [reason] = reasons(Task(), "FROM debian\nRUN make\n")
    assert reason and "copy of the emulator with the dispatcher" in reason


def test_an_entry_that_is_replaced_while_it_builds(kernel: dict[str, Any]) -> None:
    planned = _acceleration.plan(Task(), source("FROM debian\nRUN make\n"), ARM)  # type: ignore[arg-type]
    assert planned.interrupted() is None
    kernel["arm"] = of_architecture(ARM.arch).entry("/usr/bin/qemu-arm-static", "POF")
    words = planned.interrupted()
    assert words and "qemu-arm, which accelerates, was replaced or removed" in words


def test_an_accelerator_that_is_gone_meanwhile() -> None:
    task = Task()
    planned = _acceleration.plan(task, source("FROM debian\nRUN make\n"), ARM)  # type: ignore[arg-type]
    assert planned.gone(task) == [ACCELERATOR]  # type: ignore[arg-type]
    task.engine.releases[ACCELERATOR] = None
    assert planned.gone(task) == []  # type: ignore[arg-type]


def test_builders_that_cannot() -> None:
    text = "FROM debian\nRUN make\n"
    task = Task()
    task.engine.is_local = False
    assert "on another host" in str(reasons(task, text))
    task = Task()
    task.builder.engine_bases = False
    task.params["builder_name"] = "farm"
    assert "the builder farm is not the engine's own" in str(reasons(task, text))
    task = Task()
    task.builder = object()
    assert "the classic builder has no mounts" in str(reasons(task, text))
    assert "does not know RUN --mount" in str(reasons(Task(), "# syntax=docker/dockerfile:1.1\n" + text))


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_files_whose_setuid_or_setgid_bit_would_be_lost(mode: int) -> None:
    text = "FROM debian\nRUN make\n"
    setuid = [Member("su", "file", mode, "0")]
    planned = _acceleration.plan(Task(), source(text, setuid), ARM)  # type: ignore[arg-type]
    assert "setuid" in str(planned.stages[0].reason)
    # It is lost anyway where the Dockerfile is not in the context.
    planned = _acceleration.plan(Task(), source(text, setuid, {"Dockerfile": b""}), ARM)  # type: ignore[arg-type]
    assert planned.stages[0].reason is None


def test_what_must_be_accelerated_and_cannot() -> None:
    text = "FROM alpine AS one\nRUN make\nFROM debian\nRUN --mount=type=tmpfs,target=/dev make\nCOPY --from=one / /\n"
    task = Task("true", alpine="ID=alpine\n")
    with pytest.raises(CrossbuildError, match=r"line 1: its base .*; line 4: it has a mount of its own") as info:
        reasons(task, text)
    assert [one["stage"] for one in info.value.result["acceleration"]] == ["one", "1"]
    task.params["accelerate"] = "auto"
    planned = _acceleration.plan(task, source(text), ARM)  # type: ignore[arg-type]
    assert [skip.line for skip in planned.stages[1].skipped] == [4]
