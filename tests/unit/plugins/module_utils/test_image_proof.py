# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is still to be proven of an image, and what becomes of a proof. Real engines: tests/integration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _image_proof, _platform
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image, Ran
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._image_proof import ImageProof

ECHO = {"command": ["echo", "one"], "stdout": "one", "timeout": 60}
LABELS = {"trusted.crossbuild.proof_of": "x:latest"}
OTHER = {"command": ["echo", "one"], "stdout": "two", "timeout": 60}


class Memory:
    """An engine in memory, to count what it is asked for: images without programs, and a command that prints one."""

    host = "memory"

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.discarded: list[str] = []
        self.swept = 0

    def image(self, image_id: str) -> Image | None:
        platform = {"wrong": "amd64", "newer": "arm/v7"}.get(image_id, "arm/v6")
        return Image(image_id, _platform.parse(platform), {}, [], []) if image_id != "gone" else None

    def files(self, _image_id: str, libraries: bool, labels: dict[str, str]) -> list[Any]:
        assert labels == LABELS
        self.asked.append("all" if libraries else "programs")
        return []

    def run(
        self, _image_id: str, _command: list[str], environment: dict[str, str], _seconds: int, labels: dict[str, str]
    ) -> Ran:
        assert labels == LABELS
        self.asked.append(environment.get("QEMU_CPU", "any"))
        return Ran(0, "one\n", "")

    def remove_containers(self, labels: dict[str, str]) -> None:
        assert labels == LABELS
        self.swept += 1

    def discard(self, image_id: str) -> None:
        self.discarded.append(image_id)


class Host:
    """A host with its memory of proofs; every task is made anew."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.engine = Memory()
        self.told: list[str] = []

    def proof(self, verify: str, test: dict[str, Any] | None = None, platform: str = "arm/v6") -> ImageProof:
        params = {"verify": verify, "smoke_test": test}
        engine: Any = self.engine
        return ImageProof(params, engine, "x:latest", _platform.parse(platform), self.told.append, str(self.cache))

    def prove(self, verify: str, test: dict[str, Any] | None = None, image: str = "one") -> None:
        proof = self.proof(verify, test)
        proof.prove_built(image)
        proof.save()

    def missing(self, verify: str, test: dict[str, Any] | None = None, image: str = "one", **options: str) -> list[str]:
        found = self.engine.image(image)
        assert found
        return self.proof(verify, test, **options).missing(found)


@pytest.fixture
def a_host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize("proven", _image_proof.LEVELS)
@pytest.mark.parametrize("asked", _image_proof.LEVELS)
def test_only_what_is_stricter_is_missing(a_host: Host, proven: str, asked: str) -> None:
    a_host.prove(proven)
    order = ["none", "metadata", "programs", "all"]
    assert a_host.missing(asked) == (["verify"] if order.index(asked) > order.index(proven) else [])


def test_nothing_is_proven_twice_or_forgotten(a_host: Host) -> None:
    a_host.prove("programs", ECHO)
    a_host.prove("all")
    a_host.prove("metadata", ECHO)
    assert a_host.engine.asked == ["programs", "arm1176", "all"]
    image = a_host.engine.image("one")
    assert a_host.proof("none").result(image) == {"verified": {"verify": "all", "smoke_test": True}}
    assert a_host.missing("all", {**ECHO, "timeout": 1}) == []
    assert a_host.missing("all", OTHER) == ["smoke_test"]


def test_a_proof_is_of_one_image_and_one_platform(a_host: Host) -> None:
    a_host.prove("all", ECHO)
    assert a_host.missing("metadata", ECHO, image="other") == ["verify", "smoke_test"]
    assert a_host.missing("metadata", ECHO, platform="arm/v7") == ["verify", "smoke_test"]
    a_host.proof("none").forget()
    assert a_host.missing("metadata") == ["verify"]
    assert a_host.proof("none").result(None) == {"verified": {"verify": "none", "smoke_test": False}}


def test_what_fails_is_not_proven_and_goes_only_where_it_is_new(a_host: Host) -> None:
    proof, image = a_host.proof("programs", OTHER), a_host.engine.image("one")
    assert image
    with pytest.raises(
        CrossbuildError, match=r"there before.* printed something else. It printed 'one\\n'; expected was 'two'\."
    ):
        proof.prove_existing(image)
    assert a_host.engine.discarded == []
    with pytest.raises(CrossbuildError, match=r"^The image built for linux/arm/v6 .* printed something else"):
        proof.prove_built("one")
    assert a_host.engine.discarded == ["one"]
    assert proof.missing(image) == ["verify", "smoke_test"]


def test_what_a_killed_task_left_goes_before_the_next_proof_and_with_the_image(a_host: Host) -> None:
    a_host.prove("programs", ECHO)
    assert a_host.engine.swept == 1
    a_host.prove("programs", ECHO)
    assert a_host.engine.swept == 1
    a_host.proof("programs").forget()
    assert a_host.engine.swept == 2


def test_what_goes_on_is_told(a_host: Host) -> None:
    a_host.prove("programs", ECHO)
    assert a_host.told == ["looking at the image's programs", "running the image's smoke test"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("wrong", "it is recorded as linux/amd64\\. "),
        ("newer", "it is recorded as linux/arm/v7\\. "),
        ("gone", "does not have it"),
    ],
)
def test_an_image_for_another_platform_or_none(a_host: Host, image: str, words: str) -> None:
    with pytest.raises(CrossbuildError, match=words):
        a_host.prove("metadata", image=image)
    assert a_host.engine.asked == []


def test_the_metadata_are_all_that_is_looked_at_where_that_is_asked_for(a_host: Host) -> None:
    a_host.prove("metadata")
    assert a_host.engine.asked == []


def test_without_looking_any_image_will_do(a_host: Host) -> None:
    a_host.prove("none", image="wrong")
    assert a_host.missing("none", image="wrong") == []


@pytest.mark.parametrize(
    ("ran", "expected", "problem"),
    [
        (Ran(0, "one\n", ""), "one", None),
        (Ran(0, "one", ""), "one\n", None),
        (Ran(0, "anything", "errors"), None, None),
        (Ran(0, "", ""), "", None),
        (Ran(0, "something", ""), "", "printed something else"),
        (Ran(0, " one", ""), "one", "printed something else"),
        (Ran(3, "one", ""), "one", "ended with status 3$"),
        (Ran(132, "", ""), None, "ended with status 132, an illegal instruction"),
        (Ran(None, "one", ""), "one", "was ended after 60 seconds"),
    ],
)
def test_what_a_smoke_test_shows(
    a_host: Host, monkeypatch: pytest.MonkeyPatch, ran: Ran, expected: str | None, problem: str | None
) -> None:
    monkeypatch.setattr(a_host.engine, "run", lambda *_arguments: ran)
    test = {**ECHO, "stdout": expected}
    if problem is None:
        a_host.prove("none", test)
        assert a_host.missing("none", test) == []
    else:
        with pytest.raises(CrossbuildError, match=problem.rstrip("$") + (r"\. " if problem.endswith("$") else "")):
            a_host.prove("none", test)


def test_of_long_output_the_beginning_is_shown(a_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(a_host.engine, "run", lambda *_arguments: Ran(0, "x" * 100000, ""))
    with pytest.raises(CrossbuildError) as failure:
        a_host.prove("none", ECHO)
    assert len(str(failure.value)) < 2500
