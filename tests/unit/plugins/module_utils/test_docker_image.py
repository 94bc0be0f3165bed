# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several platforms of a task, with builds that fail on demand. The target docker_image_outputs has real ones."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _docker_image
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_source import Reader
from ansible_collections.trusted.crossbuild.plugins.module_utils._converge import Plan, Step
from ansible_collections.trusted.crossbuild.plugins.module_utils._deadline import TimedOut
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._output import Output
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform

PARAMS = {
    "name": "app",
    "tag": "1",
    "platforms": ["armhf", "arm64"],
    "state": "present",
    "timeout": None,
    "path": None,
    "dockerfile": "Dockerfile",
    "dockerfile_inline": "FROM scratch",
    "args": {},
    "pull": "missing",
    "_progress": None,
    "push": False,
    "ledger": None,
    "oci_archive": None,
    "oci_directory": None,
}


class World:
    """``engine`` has images by reference; ``fails`` says when and how the build for a platform fails."""

    def __init__(self) -> None:
        self.engine: dict[str, str] = {}
        self.fails: dict[str, dict[str, CrossbuildError]] = {}
        self.put: list[list[str]] = []
        self.order: list[str] = []
        self.locked: list[str] = []

    def image(self, reference: str) -> Image | None:
        found = self.engine.get(reference)
        return Image(found, Platform("arm"), {}, [], []) if found else None


class Build:
    """In the place of ImageBuild."""

    world: World

    def __init__(self, _task: Any, platform: Platform, name: str, tag: str, others: list[Platform]) -> None:
        self.platform, self.reference, self.others = platform, f"{name}:{tag}", others
        self.built: str | None = None

    def _fail(self, when: str) -> None:
        problem = self.world.fails.get(str(self.platform), {}).get(when)
        if problem:
            raise problem

    def prepare(self, _source: Any) -> None:
        self._fail("prepare")

    def plan_present(self, _source: Any) -> Plan:
        self._fail("plan")
        found = self.world.engine.get(self.reference)
        image = {"id": found} if found else None
        plan = Plan(before=["image: x"], found={"changed_inputs": ["args"]}, result={"image": image, "key": "k"})
        if found and "prove" in self.world.fails.get(str(self.platform), {}):
            plan.proofs.append(Step(f"prove {self.reference}", lambda: self._fail("prove")))
        if not found:
            plan.steps.append(Step(f"build {self.reference}", self._build))
        return plan

    def _build(self) -> None:
        self.world.order.append(str(self.platform))
        self._fail("build")
        self.built = self.world.engine[self.reference] = f"id of {self.platform}"

    def plan_absent(self) -> Plan:
        plan = Plan(result={"image": None})
        if self.reference in self.world.engine:
            plan.steps.append(Step(f"remove {self.reference}", lambda: self.world.engine.pop(self.reference) and None))
        return plan

    @contextmanager
    def only_one(self) -> Any:
        self.world.locked.append(self.reference)
        yield


class Place(Output):
    """Has what it was given; the first of ``problems`` is found while planning."""

    problems: tuple[CrossbuildError, ...] = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.has: list[str] = []

    def plan(self, made: Any) -> Plan:
        for problem in self.problems:
            raise problem
        wanted = [one.image.id if one.image else "" for one in made]
        plan = Plan(
            result={"digest": "d", "digests": {one.reference: "of " + one.reference for one in made if one.image}}
        )
        if self.has != wanted:
            plan.steps.append(Step("put", lambda: self._put(wanted)))
        return plan

    def _put(self, wanted: list[str]) -> None:
        assert all(wanted)
        self.world.put.append(wanted)
        self.has = wanted


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(Build, "world", made, raising=False)
    monkeypatch.setattr(_docker_image, "ImageBuild", Build)
    monkeypatch.setattr(_docker_image, "SdkEngine", lambda _params: made)
    place = Place(made)
    monkeypatch.setattr(_docker_image, "_outputs", lambda *_arguments: [place])
    return made


def run(check: bool = False, **options: Any) -> dict[str, Any]:
    return _docker_image.run({**PARAMS, **options}, check)


def test_each_platform_has_an_image_of_its_own_and_all_are_put_at_once(world: World) -> None:
    checked = run(check=True)
    assert (world.engine, world.put) == ({}, [])
    done = run()
    assert world.engine == {"app:1-linux-arm-v7": "id of linux/arm/v7", "app:1-linux-arm64": "id of linux/arm64"}
    assert world.put == [["id of linux/arm/v7", "id of linux/arm64"]]
    assert done["actions"] == ["build app:1-linux-arm-v7", "build app:1-linux-arm64", "put"] == checked["actions"]
    assert [(one["id"], one["changed"]) for one in checked["images"]] == [(None, True), (None, True)]
    assert done["images"][1] == {
        "platform": "linux/arm64",
        "name": "app:1-linux-arm64",
        "id": "id of linux/arm64",
        "changed": True,
        "changed_inputs": ["args"],
        "key": "k",
        "digest": "of app:1-linux-arm64",
    }
    assert (done["digest"], done["diff"]["before"]) == ("d", "linux/arm/v7: image: x\nlinux/arm64: image: x\n")
    assert not {"image", "key", "changed_inputs", "digests"} & set(done)
    again = run()
    assert (again["changed"], [one["changed"] for one in again["images"]]) == (False, [False, False])


def test_what_has_not_changed_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    read, reads = Reader.read, []
    monkeypatch.setattr(Reader, "read", lambda self: reads.append(self) or read(self))
    assert run()["changed"] is False
    assert len(reads) == 1


def test_one_platform_is_called_as_it_is_said(world: World) -> None:
    done = run(platforms=["armhf", "linux/arm/v7"], name="host:5000/app:2")
    assert world.engine == {"host:5000/app:2": "id of linux/arm/v7"}
    assert (done["image"], done["key"], done["changed_inputs"]) == ({"id": "id of linux/arm/v7"}, "k", ["args"])
    assert done["diff"]["before"] == "image: x\n"
    assert len(done["images"]) == 1


@pytest.mark.parametrize("when", ["prepare", "plan", "build"])
def test_a_platform_that_fails_does_not_keep_the_others_from_being_built(world: World, when: str) -> None:
    world.fails = {"linux/arm/v7": {when: CrossbuildError("no way", step=3)}}
    with pytest.raises(CrossbuildError) as caught:
        run(pull="always")
    assert str(caught.value) == (
        "linux/arm/v7: no way -- On the engine, and up to date: app:1-linux-arm64. Nothing was pushed or exported."
    )
    first, second = caught.value.result["images"]
    assert (first["error"], first["step"], first["changed"], first["id"]) == ("no way", 3, False, None)
    assert (second["id"], second["changed"], "error" in second) == ("id of linux/arm64", True, False)
    assert world.put == []


def test_an_image_that_was_there_and_is_not_proven_goes_nowhere(world: World) -> None:
    world.engine = {"app:1-linux-arm-v7": "old", "app:1-linux-arm64": "old"}
    world.fails = {"linux/arm/v7": {"prove": CrossbuildError("no way")}}
    with pytest.raises(
        CrossbuildError, match=r"^linux/arm/v7: no way -- On the engine, and up to date: app:1-linux-arm64[.]"
    ):
        run()
    assert world.put == []
    assert run(check=True)["actions"] == ["prove app:1-linux-arm-v7", "put"]


def test_what_is_wrong_for_all_is_said_once(world: World) -> None:
    world.fails = {name: {"plan": CrossbuildError("no way")} for name in ("linux/arm/v7", "linux/arm64")}
    with pytest.raises(
        CrossbuildError, match=r"^linux/arm/v7, linux/arm64: no way -- On the engine, and up to date: none"
    ):
        run(check=True)


def test_the_only_platform_s_failure_is_the_task_s(world: World) -> None:
    problem = CrossbuildError("no way", step=3)
    world.fails = {"linux/arm/v7": {"build": problem}}
    with pytest.raises(CrossbuildError) as caught:
        run(platforms=["armhf"])
    assert caught.value is problem


def test_where_the_time_is_over_no_other_platform_is_begun(world: World) -> None:
    world.fails = {"linux/arm64": {"build": TimedOut("too late")}}
    with pytest.raises(CrossbuildError, match=r"linux/arm64: too late.*up to date: app:1-linux-arm-v7") as caught:
        run(platforms=["armhf", "arm64", "amd64"])
    assert world.order == ["linux/arm/v7", "linux/arm64"]
    assert [one["changed"] for one in caught.value.result["images"]] == [True, False, False]


@pytest.mark.parametrize("check", [True, False])
def test_what_is_wrong_with_a_place_is_found_before_anything_is_built(
    world: World, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    monkeypatch.setattr(Place, "problems", (CrossbuildError("nobody answers"),))
    with pytest.raises(CrossbuildError, match="nobody answers"):
        run(check=check)
    assert world.order == []


def test_locks_are_taken_in_the_same_order_by_all_tasks(world: World) -> None:
    run(platforms=["armhf", "arm64"])
    run(platforms=["arm64", "armhf"])
    assert world.locked == ["app:1-linux-arm-v7", "app:1-linux-arm64"] * 2


def test_absent_takes_all_of_them(world: World) -> None:
    run()
    assert run(check=True, state="absent")["changed"]
    done = run(state="absent")
    assert (done["actions"], world.engine) == (["remove app:1-linux-arm-v7", "remove app:1-linux-arm64"], {})
    assert "image" not in done
    assert run(state="absent", platforms=["armhf"])["image"] is None


@pytest.mark.parametrize("platforms", [[], ["armfh"]])
def test_platforms_that_are_none(world: World, platforms: list[str]) -> None:
    with pytest.raises(CrossbuildError, match=r"Name at least one|Unknown platform 'armfh'"):
        run(platforms=platforms)
