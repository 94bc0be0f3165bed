# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done about the accelerators on an engine, as the plan says that only reads; the engine is made up here."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _accelerator_image, _accelerator_tree
from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerators import Accelerators
from ansible_collections.trusted.crossbuild.plugins.module_utils._converge import Plan
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform

ARM = Platform("arm", "v7")


class Engine:
    def __init__(self, *images: Image) -> None:
        self.images = list(images)

    def labelled(self, _label: str) -> list[Image]:
        return self.images


def image(number: int, recipe: str) -> Image:
    layer = f"sha256:{number:064}"
    labels = {
        _accelerator_image.LABEL: "bookworm linux/arm/v7",
        _accelerator_image.RECIPE_LABEL: recipe,
        _accelerator_image.PACKAGES_LABEL: '{"gcc": "1"}',
    }
    name = ":".join(_accelerator_image.own_name("bookworm", ARM, layer))
    return Image(f"sha256:{number}", ARM, labels, [name], [], [layer])


def planned(*images: Image, latest: bool = False) -> tuple[bool, list[str]]:
    """Whether one has to be made, and the steps."""
    engine: Any = Engine(*images)
    plan = Plan()
    makes = Accelerators(engine, [("bookworm", ARM)], "launcher", latest, None).plan(plan)
    return makes, [step.words for step in plan.steps]


@pytest.fixture(name="current")
def _current() -> Image:
    return image(1, _accelerator_tree.recipe("bookworm", ARM, "launcher"))


def test_none_is_there() -> None:
    assert planned() == (True, ["make the accelerator for bookworm linux/arm/v7 (none is on the engine)"])


def test_one_made_in_another_way() -> None:
    makes, [words] = planned(image(1, "other"))
    assert makes and "was made in another way" in words


def test_the_right_one(current: Image) -> None:
    assert planned(current) == (False, [])


def test_an_older_one_beside_it_only_goes(current: Image) -> None:
    assert planned(image(2, "other"), current) == (
        False,
        ["remove an older accelerator for bookworm linux/arm/v7, sha256:2"],
    )


def test_newer_packages(current: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"gcc": "1"}
    monkeypatch.setattr(_accelerator_tree, "versions", lambda *_arguments: versions)
    assert planned(current, latest=True) == (False, [])
    versions["gcc"] = "2"
    makes, [words] = planned(current, latest=True)
    assert makes and "is of older packages" in words
