# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An engine keeps one image under a name: who wins where platforms have the same base."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._base_images import BaseImages, labels
from ansible_collections.trusted.crossbuild.plugins.module_utils._dockerfile import Base
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform, parse

V5, V7, ARM64 = parse("arm/v5"), parse("arm/v7"), parse("arm64")


class Engine:
    """It has ``here`` under the base's name, and pulls from ``registry``: IDs by platform. It is the builder, too."""

    engine_bases = True

    def __init__(self, **registry: str) -> None:
        self.registry = {parse(name.replace("_", "/")): identity for name, identity in registry.items()}
        self.here: Image | None = None
        self.pulled: list[Platform] = []

    def has(self, platform: Platform, identity: str) -> None:
        self.here = Image(identity, platform, {}, [], [])

    def image(self, _reference: str) -> Image | None:
        return self.here

    def pull(self, _reference: str, platform: Platform) -> None:
        self.pulled.append(platform)
        if platform not in self.registry:
            raise CrossbuildError("no such image")
        self.has(platform, self.registry[platform])

    def bring_up_to_date(self, base: Base) -> None:
        self.pull(base.reference, base.platform)


def of(platform: Platform, engine: Engine, *others: Platform, may_pull: bool = True) -> tuple[BaseImages, list[Base]]:
    bases = [Base("base:1", platform, 1, "FROM")]
    return BaseImages(engine, engine, may_pull, lambda _words: None, others), bases  # type: ignore[arg-type]


def built_from(identity: str) -> Image:
    return Image("made", V7, labels({"base:1": identity}), [], [])


def identity(platform: Platform, engine: Engine, made: Image | None, *others: Platform) -> str:
    images, bases = of(platform, engine, *others)
    return images.identities(bases, made)["base:1"]


def test_the_base_that_is_here_counts() -> None:
    engine = Engine()
    engine.has(V7, "new")
    assert identity(V7, engine, built_from("old")) == "new"
    assert identity(V7, engine, None) == "new"


@pytest.mark.parametrize("here", [None, ARM64])
def test_one_that_is_gone_or_made_room_for_another_platform_s_tells_nothing_new(here: Platform | None) -> None:
    engine = Engine()
    if here:
        engine.has(here, "of arm64")
    assert identity(V7, engine, built_from("old")) == "old"


def test_what_an_image_does_not_tell_is_unrecorded() -> None:
    images, bases = of(V7, Engine())
    assert images.unrecorded(bases, None) == bases
    assert images.unrecorded(bases, Image("made", V7, labels({"other": "x"}), [], [])) == bases
    assert images.unrecorded(bases, built_from("old")) == []


def test_one_for_another_platform_of_the_task_is_not_this_one_s_though_it_would_run() -> None:
    engine = Engine()
    engine.has(V5, "of v5")
    assert identity(V7, engine, built_from("of v7"), V5) == "of v7"
    assert identity(V7, engine, built_from("of v7")) == "of v5"


def test_each_platform_gets_its_own_and_remembers_it() -> None:
    engine = Engine(arm_v7="new v7", arm_v5="new v5")
    v7, bases7 = of(V7, engine, V5)
    v5, bases5 = of(V5, engine, V7)
    v7.bring_up_to_date(bases7)
    v5.bring_up_to_date(bases5)
    assert v7.identities(bases7, built_from("old")) == {"base:1": "new v7"}
    v7.require(bases7)
    v5.require(bases5)
    assert engine.pulled == [V7, V5, V7, V5]
    assert v7.identities(bases7, None) == {"base:1": "new v7"}
    assert v5.identities(bases5, None) == {"base:1": "new v5"}


def test_what_a_build_took_counts_when_the_next_platform_has_brought_its_own() -> None:
    engine = Engine(arm_v7="of v7", arm64="of arm64")
    v7, bases7 = of(V7, engine, ARM64)
    v7.require(bases7)
    arm64, bases64 = of(ARM64, engine, V7)
    arm64.require(bases64)
    assert v7.identities(bases7, None) == {"base:1": "of v7"}


@pytest.mark.parametrize("may_pull", [True, False])
def test_where_there_is_no_better_one_what_runs_is_used(may_pull: bool) -> None:
    engine = Engine()
    engine.has(V5, "of v5")
    images, bases = of(V7, engine, V5, may_pull=may_pull)
    images.require(bases)
    assert images.identities(bases, None) == {"base:1": "of v5"}
    assert engine.pulled == ([V7] if may_pull else [])


def test_one_that_does_not_run_is_not() -> None:
    engine = Engine()
    engine.has(ARM64, "of arm64")
    for may_pull, words in ((True, "pulling it failed: no such image"), (False, "pull: never forbids")):
        images, bases = of(V7, engine, may_pull=may_pull)
        with pytest.raises(CrossbuildError, match=words):
            images.require(bases)
